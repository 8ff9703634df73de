import { CodedError } from '../../base/errors.ts'
import type { RelayText } from '../../text/relay.ts'
import { readRelayData } from '../data/relayData.ts'
import { askStatus, readLastBackup, readPlaces, type RelayStatus } from '../operations/status.ts'
import { megabytesOf } from './backup.ts'
import { flagOption, placeOptions, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const status: Command = {
  name: 'status',
  usage: 'relayCommand.usage.status',
  options: { ...placeOptions, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    await readRelayData(data)
    const running = (
      await Promise.all(
        (await readPlaces(data)).map(async (place) => ({ place, status: await askStatus(place) })),
      )
    ).flatMap(({ place, status: said }) => (said === null ? [] : [{ ...said, operations: place }]))
    const backup = await readLastBackup(data)
    if (values.flag('json')) terminal.out(JSON.stringify({ running, lastBackup: backup }))
    else {
      for (const relay of running) for (const line of linesOf(relay, text)) terminal.out(line)
      terminal.out(
        backup === null
          ? text('relayStatus.noBackup')
          : text('relayStatus.backup', { at: moment(backup.at, text) }),
      )
    }
    if (running.length === 0) throw new CodedError('relay.notRunning')
  },
}

interface Running extends RelayStatus {
  readonly operations: string
}

function linesOf(relay: Running, text: RelayText): readonly string[] {
  const { version, startedAt, address, connections, queued, tls } = relay
  return [
    text('relayStatus.running', { version, since: moment(startedAt, text), address }),
    text('relayStatus.operations', { address: relay.operations }),
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

function moment(at: number, text: RelayText): string {
  return new Date(at).toLocaleString(text.language === 'fr' ? 'fr-FR' : 'en-GB')
}
