import { formatRelayText, parseRelayText } from '../../wire/linking.ts'
import { until, type Workstation } from './workstation.ts'

/**
 * For tests: makes `next`, which is not enrolled, a further device of the account of `first`, as a person does. `address`:
 * where it finds the relay, when that is not where `first` does.
 */
export async function link(
  first: Workstation,
  next: Workstation,
  deviceName: string,
  address?: string,
): Promise<void> {
  await first.online()
  const told = (await first.ask('device.list', {})).relay
  const relay = address === undefined ? told : formatRelayText({ ...parseRelayText(told), address })
  const { code } = await next.ask('link.begin', { relay, deviceName, protection: { kind: 'osKeyStore' } })
  await first.ask('device.link', { code })
  await until(async () => (await next.snapshot()).state.phase === 'ready')
  await next.online()
  for (const one of [first, next]) {
    await until(async () => (await one.ask('device.list', {})).devices.length > 1)
  }
}
