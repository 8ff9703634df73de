import type { RelayText } from '../../text/relay.ts'
import type { ListedDevice } from '../store/deviceStore.ts'
import type { ActOutcome, PersonRecord } from '../store/peopleStore.ts'
import type { Call } from './command.ts'

/** One account on one line. */
export function personLine(person: PersonRecord, text: RelayText): string {
  const { displayName, title, service, organisation } = person
  const shown = [displayName, title, service, organisation].filter((part) => part !== '').join(' · ')
  return `${person.accountId}  ${shown}  [${standing(person, text).join(', ')}]`
}

function standing(person: PersonRecord, text: RelayText): readonly string[] {
  return [
    text(`relayAccounts.role.${person.role}`),
    ...(person.expiresAt === null ? [] : [text('relayAccounts.until', { time: isoTime(person.expiresAt) })]),
    ...(person.disabled ? [text('relayAccounts.disabled')] : []),
    ...(person.hidden ? [text('relayAccounts.hidden')] : []),
    person.enrolledAt === null
      ? text('relayAccounts.notEnrolled')
      : text('relayAccounts.devices', { count: person.devices }),
  ]
}

export function deviceLine(device: ListedDevice, text: RelayText): string {
  const { deviceId, addedAt, lastSeenDay } = device
  const added = isoDay(addedAt)
  return lastSeenDay === 0
    ? text('relayAccounts.deviceUnused', { device: deviceId, added })
    : text('relayAccounts.device', { device: deviceId, added, used: isoDay(lastSeenDay) })
}

/** What is common to all acts: how many changed something. */
export function showOutcomes(outcomes: readonly ActOutcome[], { values, terminal, text }: Call): void {
  const done = outcomes.filter(({ kind }) => kind === 'done').length
  if (values.flag('json')) terminal.out(JSON.stringify({ done, unchanged: outcomes.length - done }))
  else if (done === 0) terminal.out(text('relayAccounts.unchanged'))
  else terminal.out(text('relayAccounts.done', { count: done }))
}

/** The same everywhere, and sortable: UTC. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
