import { until, type Workstation } from './workstation.ts'

/** For tests: makes `next`, which is not enrolled, a further device of the account of `first`, as a person does. */
export async function link(first: Workstation, next: Workstation, deviceName: string): Promise<void> {
  await first.online()
  const { relay } = await first.ask('device.list', {})
  const { code } = await next.ask('link.begin', { relay, deviceName, protection: { kind: 'osKeyStore' } })
  await first.ask('device.link', { code })
  await until(async () => (await next.snapshot()).state.phase === 'ready')
  await next.online()
  for (const one of [first, next]) {
    await until(async () => (await one.ask('device.list', {})).devices.length > 1)
  }
}
