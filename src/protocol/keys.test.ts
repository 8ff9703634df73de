import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { utf8 } from '../base/bytes.ts'
import { attest, verifyAttestation } from './attestation.ts'
import { identityPublicKey, makeKeys, newDeviceKey, newIdentityKeyPair, newRegistrationId } from './keys.ts'
import { accessKeyHash, accessKeyOf, newProfileKey } from './profileKey.ts'
import {
  expiredLastingKeys,
  keepReplacedMs,
  lastingKeys,
  lastingKeyTimes,
  removeExpiredLastingKeys,
  rotateAfterMs,
  rotationDue,
} from './rotation.ts'
import { bundleOf, startSessions } from './testkit.ts'
import { day, TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

describe('an attestation', () => {
  const identityKeyPair = newIdentityKeyPair()
  const identityKey = identityPublicKey(identityKeyPair)
  const device = {
    accountId: crypto.randomUUID(),
    deviceId: 3,
    registrationId: newRegistrationId(),
    deviceKey: newDeviceKey().publicKey,
  }
  const attestation = attest(identityKeyPair, device)

  it('holds for that device of that account alone', () => {
    expect(verifyAttestation(identityKey, device, attestation)).toBe(true)
    const others = [
      { ...device, accountId: crypto.randomUUID() },
      { ...device, deviceId: 4 },
      { ...device, registrationId: (device.registrationId % 16_380) + 1 },
      { ...device, deviceKey: newDeviceKey().publicKey },
      { ...device, accountId: 'not a UUID' },
    ]
    for (const other of others) expect(verifyAttestation(identityKey, other, attestation)).toBe(false)
    expect(verifyAttestation(identityPublicKey(newIdentityKeyPair()), device, attestation)).toBe(false)
  })

  it('is refused in any other bytes, without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 34 }), (signature, key) => {
        const bytes = new Uint8Array(signature)
        expect(verifyAttestation(identityKey, device, bytes)).toBe(false)
        expect(verifyAttestation(new Uint8Array(key), device, attestation)).toBe(false)
      }),
    )
    for (let bit = 0; bit < 512; bit += 1) {
      const changed = attestation.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(verifyAttestation(identityKey, device, changed)).toBe(false)
    }
  })

  it('is not made for an account that is no UUID', () => {
    expect(() => attest(identityKeyPair, { ...device, accountId: 'x' })).toThrow('argument.invalid')
  })
})

describe('a profile key', () => {
  it('gives an access key of 16 bytes, always the same, and another for another', () => {
    const key = newProfileKey()
    expect(accessKeyOf(key)).toHaveLength(16)
    expect(accessKeyOf(key)).toEqual(accessKeyOf(key.slice()))
    expect(accessKeyOf(newProfileKey())).not.toEqual(accessKeyOf(key))
    expect(accessKeyHash(accessKeyOf(key))).toHaveLength(32)
    expect(() => accessKeyOf(utf8('short'))).toThrow('content.malformed')
  })
})

describe('prekeys', () => {
  it('ask the relay to forget the older ones only where that is ordered', () => {
    const { records, local } = room.device()
    const order = { firstKeyId: 1, oneTime: 1, lasting: false }
    const made = (more: { replaceOneTime?: boolean }) =>
      makeKeys(records.begin(), local.identityKeyPair, { ...order, ...more }, 0).upload.replaceOneTime
    expect([made({}), made({ replaceOneTime: false }), made({ replaceOneTime: true })]).toEqual([
      false,
      false,
      true,
    ])
  })

  it('are due for rotation by age, when there are none, and when their time lies ahead', () => {
    const due = (signedCreatedAt: number | null, kyberCreatedAt: number | null) =>
      rotationDue({ signedCreatedAt, kyberCreatedAt }, 10 * day)
    const fresh = 10 * day - rotateAfterMs + 1
    expect(due(fresh, fresh)).toBe(false)
    expect([due(fresh - 1, fresh), due(fresh, fresh - 1), due(null, fresh), due(fresh, null)]).toEqual([
      true,
      true,
      true,
      true,
    ])
    const ahead = [{ keyId: 1, createdAt: 11 * day }]
    expect(rotationDue(lastingKeyTimes({ signed: ahead, kyber: ahead }, 10 * day), 10 * day)).toBe(true)
  })

  it('expire 31 days after they were replaced, however old they are, and the newest never', () => {
    const keys = [
      { keyId: 1, createdAt: 0 },
      { keyId: 3, createdAt: 50 * day },
      { keyId: 2, createdAt: 2 * day },
    ]
    const gone = (now: number) =>
      expiredLastingKeys({ signed: keys, kyber: [] }, now).signed.map((key) => key.keyId)
    expect(gone(2 * day + keepReplacedMs)).toEqual([])
    expect(gone(2 * day + keepReplacedMs + 1)).toEqual([1])
    expect(gone(50 * day + keepReplacedMs)).toEqual([1])
    expect(gone(5_000 * day)).toEqual([1, 2])
  })

  it('never lose a key that was in use in the last 31 days', () => {
    const dayOf = fc.integer({ min: 0, max: 400 })
    fc.assert(
      fc.property(fc.array(dayOf, { minLength: 1, maxLength: 20 }), dayOf, (days, today) => {
        const keys = days.map((at, keyId) => ({ keyId, createdAt: at * day }))
        const gone = expiredLastingKeys({ signed: keys, kyber: keys }, today * day).kyber
        for (let at = today - 31; at <= today; at += 1) {
          const inUse = lastingKeyTimes({ signed: keys, kyber: keys }, at * day).kyberCreatedAt
          for (const { createdAt } of gone) expect(createdAt).not.toBe(inUse)
        }
      }),
    )
  })

  it('are found, rotated and removed in the vault; one-time keys are left alone', async () => {
    let now = 1_000 * day
    const b = room.device({ now: () => now })
    const a = room.device({ now: () => now })
    const old = bundleOf({ ...b, upload: { ...b.upload, oneTimePreKeys: [], oneTimeKyberPreKeys: [] } })
    let firstKeyId = 1_000
    const rotate = async () =>
      await b.protocol.exclusively(async (turn) => {
        firstKeyId += 1
        makeKeys(turn.writes, b.local.identityKeyPair, { firstKeyId, oneTime: 0, lasting: true }, now)
        removeExpiredLastingKeys(turn.writes, now)
        turn.writes.commit()
        return lastingKeys(turn.writes)
      })
    now += 2 * day
    const both = await rotate()
    expect([both.signed.length, both.kyber.length]).toEqual([2, 2])
    await startSessions(a, b.local.accountId, old)
    const late = await room.send(a, b, 'en retard')
    const again = await room.send(a, b, 'plus tard encore')
    now += 31 * day
    await rotate()
    expect(await room.received(b, late)).toBe('en retard')
    now += 1
    expect((await rotate()).signed.map((key) => key.createdAt)).toEqual([1_002 * day, 1_033 * day, now])
    b.restart()
    expect(await room.received(b, again)).toBe('plus tard encore')
    await startSessions(a, b.local.accountId, old)
    expect(await room.received(b, await room.send(a, b, 'clé disparue'))).toBe('envelope.unknownPreKey')
    const count = b.records.vault.sql.get<{ n: number }>('SELECT count(*) AS n FROM pre_key')?.n
    expect(count).toBe(4)
  })
})
