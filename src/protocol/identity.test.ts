import { afterEach, describe, expect, it } from 'vitest'
import { utf8, type Bytes } from '../base/bytes.ts'
import { deviceKey } from '../storage/records.ts'
import { identityPublicKey, makeKeys, newFirstKeyId, newIdentityKeyPair } from './keys.ts'
import { Protocol, type Turn } from './protocol.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

async function within<T>(device: TestDevice, work: (turn: Turn) => T): Promise<T> {
  return await device.protocol.exclusively(async (turn) => {
    const result = work(turn)
    turn.writes.commit()
    return result
  })
}

const accept = (device: TestDevice, of: TestDevice, key: Bytes) =>
  within(device, (turn) => turn.acceptIdentity(of.local.accountId, key))
const hold = (device: TestDevice, of: TestDevice, key: Bytes) =>
  within(device, (turn) => turn.holdIdentity(of.local.accountId, key))
const pending = (device: TestDevice, of: TestDevice) =>
  within(device, (turn) => turn.isIdentityPending(of.local.accountId))

describe('the decision on a changed identity', () => {
  it('is taken on the key that was shown, and only while one is held', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const [second, third] = [newIdentityKeyPair(), newIdentityKeyPair()].map(identityPublicKey)
    if (second === undefined || third === undefined) throw new Error('no keys')
    await expect(accept(b, a, second)).rejects.toMatchObject({ code: 'identity.notPending' })
    await expect(accept(a, room.device(), second)).rejects.toMatchObject({ code: 'identity.notPending' })
    await hold(b, a, second)
    await hold(b, a, third)
    await expect(accept(b, a, second)).rejects.toMatchObject({ code: 'identity.superseded' })
    expect(await pending(b, a)).toBe(true)
    await accept(b, a, third)
    expect(await pending(b, a)).toBe(false)
    await expect(accept(b, a, third)).rejects.toMatchObject({ code: 'identity.notPending' })
  })

  it('holds nothing for a known key, and stays held whatever the old device sends', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const other = identityPublicKey(newIdentityKeyPair())
    await hold(b, a, a.identityKey)
    expect(await pending(b, a)).toBe(false)
    await hold(b, a, other)
    expect(await pending(b, a)).toBe(true)
    await expect(accept(b, a, a.identityKey)).rejects.toMatchObject({ code: 'identity.superseded' })
    // The old device’s messages do not replace the key that is held.
    const refused = await room.open(b, await room.send(a, b, 'ancien'))
    expect(refused).toMatchObject({ code: 'identity.changed', changedKey: null })
  })

  it('deletes the sessions of that account, retired ones too, and no other', async () => {
    const [a, b] = await room.pair()
    const c = room.device()
    await room.exchange(a, b)
    await startSessions(c, b.local.accountId, bundleOf(b))
    await room.exchange(c, b)
    await within(b, (turn) => turn.retireSessions())
    await startSessions(b, a.local.accountId, bundleOf(a))
    await startSessions(b, c.local.accountId, bundleOf(c))
    const late = await room.send(a, b, 'sous l’ancienne session')
    const changed = identityPublicKey(newIdentityKeyPair())
    await hold(b, a, changed)
    await accept(b, a, changed)
    const { sessions, retiredSessions, identities } = b.records.begin()
    const [ofA, ofC] = [a, c].map((device) => deviceKey(device.local.accountId, 1))
    expect([...sessions.keys()]).toEqual([ofC])
    expect([...retiredSessions.keys()]).toEqual([ofC])
    expect(sessions.get(ofA ?? '')).toBeNull()
    expect(identities.get(a.local.accountId)).toMatchObject({ identityKey: changed, changedKey: null })
    // Even with a certificate of the old key: nothing of the old identity comes back (libsignal.md 4.3).
    expect(await room.received(b, late)).toBe('identity.changed')
  })
})

describe('a new identity of one’s own', () => {
  async function adopt(device: TestDevice, identityKeyPair: Bytes): Promise<TestDevice> {
    let upload = device.upload
    const order = { firstKeyId: newFirstKeyId(), oneTime: 2, lasting: true, replaceOneTime: true }
    await device.protocol.adoptIdentity(identityKeyPair, (turn) => {
      upload = makeKeys(turn.writes, identityKeyPair, order, Date.now()).upload
    })
    const local = { ...device.local, identityKeyPair }
    return { ...device, local, upload, identityKey: identityPublicKey(identityKeyPair) }
  }

  it('retires all sessions; what was sealed for the old key is still read, and nothing encrypts as before', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const late = await room.send(b, a, 'en chemin')
    const renewed = await adopt(a, newIdentityKeyPair())
    expect(await room.received(renewed, late)).toBe('en chemin')
    await expect(room.send(renewed, b, 'x')).rejects.toMatchObject({ code: 'session.missing' })
    await startSessions(renewed, b.local.accountId, bundleOf(b))
    const body = await room.send(renewed, b, 'nouvelle identité')
    expect(await room.open(b, body)).toMatchObject({
      code: 'identity.changed',
      changedKey: renewed.identityKey,
    })
    await hold(b, a, renewed.identityKey)
    await accept(b, a, renewed.identityKey)
    expect(await room.received(b, body)).toBe('nouvelle identité')
    await room.exchange(renewed, b)
  })

  it('reads what was sealed for the old one after a restart too, where that is given', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const late = await room.send(b, a, 'en chemin')
    const previous = a.local.identityKeyPair
    const renewed = await adopt(a, newIdentityKeyPair())
    const again = (previousIdentityKeyPairs: readonly Bytes[]) => ({
      ...renewed,
      protocol: new Protocol(
        a.records,
        { ...renewed.local, previousIdentityKeyPairs },
        { run: (task) => task() },
        { now: Date.now },
      ),
    })
    expect(await room.received(again([]), late)).toBe('envelope.malformed')
    expect(await room.received(again([newIdentityKeyPair(), previous]), late)).toBe('en chemin')
  })

  it('is not taken when its commit fails', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const failed = a.protocol.adoptIdentity(newIdentityKeyPair(), () => {
      throw new Error('no room')
    })
    await expect(failed).rejects.toThrow('no room')
    await room.exchange(a, b)
  })

  it('leaves no session with one’s other devices, whose old identity is refused from there', async () => {
    const a = room.device()
    const { accountId, identityKeyPair } = a.local
    const second = room.device({ accountId, deviceId: 2, identityKeyPair })
    await startSessions(a, accountId, bundleOf(second))
    await room.exchange(a, second)
    const stolen = await room.send(second, a, 'du poste volé')
    const renewed = await adopt(a, newIdentityKeyPair())
    const { sessions, retiredSessions } = a.records.begin()
    expect([sessions.keys().size, retiredSessions.keys().size]).toEqual([0, 0])
    expect(await room.received(renewed, stolen)).toBe('identity.changed')
    await expect(
      renewed.protocol.exclusively((turn) => turn.encrypt(addressOf(second), utf8('x'))),
    ).rejects.toMatchObject({ code: 'session.missing' })
  })
})
