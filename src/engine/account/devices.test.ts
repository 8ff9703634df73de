import { describe, expect, it } from 'vitest'
import { linkDevice, texts } from '../testing/linkDevice.ts'
import { setting } from '../testing/setting.ts'
import { until, type Workstation } from '../testing/workstation.ts'

const here = setting()
const { fresh, enrolled } = here

const linked = async (first: Workstation, deviceName: string): Promise<Workstation> =>
  linkDevice(first, await fresh(), deviceName)

describe('a second device', () => {
  it('gets what is sent to the account and what the first one sends, and is announced', async () => {
    const [a, b] = [await enrolled('Solène Vauquelard'), await enrolled('Aïssatou Kermorvan')]
    const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
    await a.send(toB, 'avant')
    await until(async () => (await texts(b, toA)).length === 1)
    const a2 = await linked(a, 'CAB-115')
    expect((await a2.ready()).account.person.displayName).toBe('Solène Vauquelard')
    expect((await a.ready()).alerts).toMatchObject([{ kind: 'deviceAdded', deviceName: 'CAB-115' }])

    await b.send(toA, 'aux deux')
    await a.send(toB, 'du premier')
    await until(async () => (await texts(a2, toB)).length === 2)
    expect((await texts(a2, toB)).toSorted()).toEqual(['aux deux', 'du premier'])
    await a2.send(toB, 'du second')
    await until(async () => (await texts(b, toA)).includes('du second'))
    await until(async () => (await texts(a, toB)).includes('du second'))
    expect((await b.thread(toA)).filter((m) => m.kind === 'system')).toMatchObject([
      { note: { kind: 'deviceAdded' } },
    ])
    await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'delivered')
  })

  it('shares read state, settings, deletions and requests', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
    const a2 = await linked(a, 'DEUX')
    const toA = await b.openConversation(a)
    const toB = await b.accountId()
    await b.send(toA, 'bonjour')
    const standing = async (station: Workstation) =>
      (await station.ready()).conversations.map((c) => [c.standing, c.unread])
    await until(async () => (await standing(a2)).length === 1)
    await until(async () => (await standing(a)).length === 1)
    expect(await standing(a2)).toEqual([['request', 1]])
    await a.ask('conversation.accept', { conversationId: toB })
    await until(async () => (await standing(a2))[0]?.[0] === 'accepted')
    await until(async () => (await b.thread(toA))[0]?.delivery === 'delivered')
    const [message] = await a.thread(toB)
    await a.ask('conversation.read', { conversationId: toB, position: message?.position ?? 0 })
    await until(async () => (await standing(a2))[0]?.[1] === 0)
    await until(async () => (await b.thread(toA))[0]?.delivery === 'read')
    await a2.ask('conversation.settings', { conversationId: toB, pinned: true })
    await until(async () => (await a.ready()).conversations[0]?.pinned === true)
    await a2.ask('account.settings', { readReceipts: false })
    await until(async () => !(await a.ready()).settings.readReceipts)
    const { authorId, messageId } = message ?? { authorId: '', messageId: '' }
    await a.ask('message.deleteForMe', { conversationId: toB, messages: [{ authorId, messageId }] })
    await until(async () => (await texts(a2, toB)).length === 0)
    expect(await texts(b, toA)).toEqual(['bonjour'])
  })

  it('is gone within a moment when it is removed, and nothing more reaches it', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
    const toA = await b.openConversation(a)
    const toB = await b.accountId()
    const a2 = await linked(a, 'DEUX')
    await b.send(toA, 'un')
    await until(async () => (await texts(a2, toB)).length === 1)
    const removed = (await a.ask('device.list', {})).devices.find(({ current }) => !current)
    await a.ask('device.remove', { deviceId: removed?.deviceId ?? 0, reason: 'retired' })
    await until(async () => (await a2.ready()).connection.error?.code === 'relay.deviceGone')
    await b.send(toA, 'deux')
    await until(async () => (await texts(a, toB)).includes('deux'))
    expect(await texts(a2, toB)).toEqual(['un'])
    expect((await b.ready()).conversations[0]?.identity).toBe('known')
  })
})

it('refuses codes that nobody shows, that are mistyped, and tries without end', async () => {
  const a = await enrolled('Solène')
  await a.online()
  expect(await a.refusal('device.link', { code: 'ABCD' })).toBe('link.malformed')
  const unknown = '0123-4567-89AB-CDEF-GHJK'
  for (let tries = 0; tries < 5; tries += 1) {
    expect(await a.refusal('device.link', { code: unknown })).toBe('link.unknown')
  }
  expect(await a.refusal('device.link', { code: unknown })).toBe('link.tooManyTries')
})

it('leaves nothing behind when a link is given up', async () => {
  const [a, next] = [await enrolled('Solène'), await fresh()]
  await a.online()
  const { relay } = await a.ask('device.list', {})
  const begin = { relay, deviceName: 'X', protection: { kind: 'osKeyStore' } } as const
  const { code } = await next.ask('link.begin', begin)
  await next.ask('link.cancel', {})
  expect((await next.snapshot()).state).toMatchObject({ phase: 'enrolment', link: null })
  await a.refusal('device.link', { code })
  await next.restart()
  expect((await next.snapshot()).state.phase).toBe('enrolment')
})
