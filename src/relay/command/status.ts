import { CodedError } from '../../base/errors.ts'
import type { Text } from '../../text/index.ts'
import { readRelayData } from '../data/relayData.ts'
import { readLastBackup, readPlace, statusSchema, type RelayStatus } from '../operations/status.ts'
import { megabytesOf } from './backup.ts'
import { flagOption, placeOptions, type Command } from './command.ts'
import { dataFolder } from './place.ts'

/** A relay on this machine that does not answer within this time is none, in milliseconds. */
const answerMs = 5_000

export const status: Command = {
  name: 'status',
  usage: 'relayCommand.usage.status',
  options: { ...placeOptions, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    await readRelayData(data)
    const operations = await readPlace(data)
    const running = operations === null ? null : await ask(operations)
    const backup = await readLastBackup(data)
    if (values.flag('json')) {
      terminal.out(JSON.stringify({ running, operations: running && operations, lastBackup: backup }))
    } else {
      if (running !== null) for (const line of linesOf(running, text)) terminal.out(line)
      if (running !== null && operations !== null)
        terminal.out(text('relayStatus.operations', { address: operations }))
      terminal.out(
        backup === null
          ? text('relayStatus.noBackup')
          : text('relayStatus.backup', { at: moment(backup.at, text) }),
      )
    }
    if (running === null) throw new CodedError('relay.notRunning')
  },
}

async function ask(operations: string): Promise<RelayStatus | null> {
  try {
    const answer = await fetch(`${operations}/status`, { signal: AbortSignal.timeout(answerMs) })
    const parsed = statusSchema.safeParse(await answer.json())
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

function linesOf(relay: RelayStatus, text: Text): readonly string[] {
  const { version, startedAt, address, connections, queued, tls } = relay
  return [
    text('relayStatus.running', { version, since: moment(startedAt, text), address }),
    text(relay.ready ? 'relayStatus.ready.yes' : 'relayStatus.ready.no'),
    text('relayStatus.connections', connections),
    ...(queued === null
      ? []
      : [text('relayStatus.queued', { envelopes: queued.envelopes, megabytes: megabytesOf(queued.bytes) })]),
    ...(tls === null
      ? []
      : [
          text('relayStatus.certificate', {
            from: moment(tls.startsAt, text),
            until: moment(tls.endsAt, text),
          }),
        ]),
  ]
}

function moment(at: number, text: Text): string {
  return new Date(at).toLocaleString(text.language === 'fr' ? 'fr-FR' : 'en-GB')
}
