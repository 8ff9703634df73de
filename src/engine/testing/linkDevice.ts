import { until, type Workstation } from './workstation.ts'

/** A further device of the account of `first`, linked as two people at two desks would. */
export async function linkDevice(
  first: Workstation,
  next: Workstation,
  deviceName: string,
): Promise<Workstation> {
  await first.online()
  const { relay } = await first.ask('device.list', {})
  const { code } = await next.ask('link.begin', {
    relay,
    deviceName,
    protection: { kind: 'osKeyStore' },
  })
  await first.ask('device.link', { code })
  await until(async () => (await next.snapshot()).state.phase === 'ready')
  await next.online()
  await until(async () =>
    (await first.ask('device.list', {})).devices.some(({ name }) => name === deviceName),
  )
  await until(async () => (await next.ask('device.list', {})).devices.length > 1)
  return next
}

/** The texts that it shows of a conversation; none where it has not got it. */
export async function texts(station: Workstation, conversationId: string): Promise<string[]> {
  if (!(await station.ready()).conversations.some((c) => c.conversationId === conversationId)) return []
  return (await station.thread(conversationId)).filter((m) => m.kind === 'text').map((m) => m.text)
}
