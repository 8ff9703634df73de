import { afterEach, describe, expect, it } from 'vitest'
import { deviceKey } from '../storage/records.ts'
import type { Turn } from './protocol.ts'
import { retiredPerDevice } from './retiredSessions.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, day, TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

async function within(device: TestDevice, work: (turn: Turn) => void): Promise<void> {
  await device.protocol.exclusively(async (turn) => {
    work(turn)
    turn.writes.commit()
  })
}

const retire = (device: TestDevice) => within(device, (turn) => turn.retireSessions())
const sessionOf = (device: TestDevice, peer: TestDevice) =>
  device.records.begin().sessions.get(deviceKey(peer.local.accountId, 1))
const retiredOf = (device: TestDevice, peer: TestDevice) =>
  device.records.begin().retiredSessions.get(deviceKey(peer.local.accountId, 1)) ?? []

describe('a retired session', () => {
  it('never encrypts again, whatever it reads, and stays where it is', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    await retire(a)
    for (let n = 0; n < 5; n += 1) {
      expect(await room.received(a, await room.send(b, a, `reçu ${n}`))).toBe(`reçu ${n}`)
      await expect(room.send(a, b, 'x')).rejects.toMatchObject({ code: 'session.missing' })
      expect(sessionOf(a, b)).toBeNull()
      expect(retiredOf(a, b)).toHaveLength(1)
      a.restart()
    }
  })

  it('reads each message once, and says so of the second', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const [first, second] = [await room.send(b, a, 'un'), await room.send(b, a, 'deux')]
    await retire(a)
    expect(await room.received(a, second)).toBe('deux')
    expect(await room.received(a, first)).toBe('un')
    expect(await room.received(a, first)).toBe('envelope.duplicate')
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await room.received(a, second)).toBe('envelope.duplicate')
  })

  it('stands back behind the new session, which both sides then use', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    await retire(a)
    const late = await room.send(b, a, 'sous l’ancienne')
    await startSessions(a, b.local.accountId, bundleOf(b))
    const fresh = await room.send(a, b, 'sous la nouvelle')
    expect(await room.received(a, late)).toBe('sous l’ancienne')
    expect(await room.received(b, fresh)).toBe('sous la nouvelle')
    const before = retiredOf(a, b)
    for (let n = 0; n < 3; n += 1) await room.exchange(b, a)
    expect(retiredOf(a, b)).toEqual(before)
  })

  it('that was never answered still reads first messages, without prekeys', async () => {
    const [a, b] = await room.pair()
    const bodies = [await room.send(a, b, 'un'), await room.send(a, b, 'deux')]
    expect(await room.received(b, bodies[0] ?? new Uint8Array())).toBe('un')
    await retire(b)
    const result = await room.open(b, bodies[1] ?? new Uint8Array())
    expect(result).toMatchObject({ kind: 'opened', keysUsed: false, lastResortUsed: null })
    expect(sessionOf(b, a)).toBeNull()
  })

  it('is not what a refused message changes', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    await retire(a)
    const body = await room.send(b, a, 'non retenu')
    const before = retiredOf(a, b)
    expect((await room.open(a, body, { commit: false })).kind).toBe('opened')
    expect(retiredOf(a, b)).toEqual(before)
    expect(await room.received(a, body)).toBe('non retenu')
  })

  it('is one of five at most with a device, the newest first', async () => {
    const [a, b] = await room.pair()
    const late: Uint8Array<ArrayBuffer>[] = []
    for (let n = 0; n <= retiredPerDevice; n += 1) {
      await room.exchange(a, b)
      late.push(await room.send(b, a, `sous la session ${n}`))
      await retire(a)
      if (n === 0) await retire(a)
      await startSessions(a, b.local.accountId, bundleOf({ ...b, upload: { ...b.upload } }))
    }
    expect(retiredOf(a, b)).toHaveLength(retiredPerDevice)
    const read: string[] = []
    for (const body of late) read.push(await room.received(a, body))
    expect(read).toEqual([
      'envelope.undecryptable',
      ...Array.from({ length: retiredPerDevice }, (_, n) => `sous la session ${n + 1}`),
    ])
  })

  it('is forgotten after 31 days', async () => {
    let now = Date.now()
    const [a, b] = await room.pair({ now: () => now })
    await room.exchange(a, b)
    await retire(a)
    const late = await room.send(b, a, 'en retard')
    const prune = () => within(a, (turn) => turn.pruneRetired(now))
    now += 31 * day
    await prune()
    expect((await room.open(a, late, { commit: false })).kind).toBe('opened')
    now += 1
    await prune()
    expect(retiredOf(a, b)).toHaveLength(0)
    expect(await room.received(a, late)).toBe('session.missing')
  })

  it('is one account’s or one device’s alone where that is asked', async () => {
    const [a, b] = await room.pair()
    const c = room.device()
    await startSessions(a, c.local.accountId, bundleOf(c))
    await within(a, (turn) => turn.retireSessions(b.local.accountId))
    expect([sessionOf(a, b) === null, sessionOf(a, c) === null]).toEqual([true, false])
    await within(a, (turn) => turn.renewSession(addressOf(c)))
    expect([retiredOf(a, b).length, retiredOf(a, c).length]).toEqual([1, 1])
    await expect(room.send(a, c, 'x')).rejects.toMatchObject({ code: 'session.missing' })
    // Where there is none, there is nothing to retire.
    await within(a, (turn) => turn.renewSession(addressOf(c)))
    expect(retiredOf(a, c)).toHaveLength(1)
  })
})
