import { CodedError } from '../../base/errors.ts'
import { toHex } from '../../base/bytes.ts'
import type { JournalRow } from '../../journal/index.ts'
import type { RelayText } from '../../text/relay.ts'
import { checkActs } from '../data/administration.ts'
import { plainAct } from '../data/plainAct.ts'
import { readRelayData } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import { actTypes } from '../store/peopleStore.ts'
import { isoTime } from './accountText.ts'
import { flagOption, placeOptions, type Command } from './command.ts'
import { dataFolder } from './place.ts'

/** Shows every act, and whether the chain that they make is whole; `acts.damaged` when it is not. */
export const journal: Command = {
  name: 'journal',
  usage: 'relayCommand.usage.journal',
  options: { ...placeOptions, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    await readRelayData(data)
    const json = values.flag('json')
    const show = (row: JournalRow): void =>
      terminal.out(json ? JSON.stringify(plainAct(row)) : actLine(row, text))
    const { count, findings, root } = await withStore(data, async (store) => checkActs(store, show))
    if (findings.length > 0) throw new CodedError('acts.damaged')
    if (!json) terminal.out(text('relayJournal.whole', { count, root: toHex(root) }))
  },
}

function actLine(row: JournalRow, text: RelayText): string {
  const { seq, time, type, actor, by, account, detail } = plainAct(row)
  const known = actTypes.find((each) => each === type)
  const what = known === undefined ? type : text(`relayJournal.act.${known}`)
  const relay = actor === 'relay' ? text('relayJournal.relay') : undefined
  const who = row.payload === null ? text('relayJournal.erased') : ((by || relay) ?? actor)
  return [`${seq}  ${isoTime(time)}  ${who}  ${what}`, account, detail]
    .filter((part) => part !== undefined)
    .join('  ')
}
