import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyBytes, toHex, utf8 } from '../base/bytes.ts'
import { deviceNameBytes, openName, sealName } from './deviceName.ts'
import { newIdentityKeyPair } from './keys.ts'
import { newEphemeralKey, openHandover, sealHandover, type AccountHandover } from './linking.ts'
import { newProfileKey } from './profileKey.ts'

const relayId = 'relais.example'
const handover = (): AccountHandover => ({
  accountId: crypto.randomUUID(),
  deviceId: 2,
  secret: copyBytes(randomBytes(32)),
  identityKeyPair: newIdentityKeyPair(),
  profileKey: newProfileKey(),
  relayId,
})
const linkId = copyBytes(randomBytes(32))

describe('a handover', () => {
  it('reaches the device whose key it was sealed to, whole', () => {
    const key = newEphemeralKey()
    const sent = handover()
    const sealed = sealHandover(key.publicKey, linkId, sent)
    expect(openHandover(key.privateKey, linkId, relayId, sealed)).toEqual(sent)
    expect(toHex(sealed)).not.toContain(toHex(sent.profileKey))
  })

  it('opens with no other key, for no other link and at no other relay', () => {
    const [key, other] = [newEphemeralKey(), newEphemeralKey()]
    const sealed = sealHandover(key.publicKey, linkId, handover())
    const otherLink = copyBytes(randomBytes(32))
    expect(() => openHandover(other.privateKey, linkId, relayId, sealed)).toThrow('link.mismatch')
    expect(() => openHandover(key.privateKey, otherLink, relayId, sealed)).toThrow('link.mismatch')
    expect(() => openHandover(key.privateKey, linkId, 'ailleurs', sealed)).toThrow('link.mismatch')
  })

  it('opens in no other bytes', () => {
    const key = newEphemeralKey()
    const sealed = sealHandover(key.publicKey, linkId, handover())
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => openHandover(key.privateKey, linkId, relayId, changed)).toThrow('link.mismatch')
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => openHandover(key.privateKey, linkId, relayId, new Uint8Array(bytes))).toThrow(
          'link.mismatch',
        )
      }),
    )
  })

  it('is not made with parts of other lengths', () => {
    const key = newEphemeralKey().publicKey
    const pair = newIdentityKeyPair()
    const [one, another] = [newIdentityKeyPair(), newIdentityKeyPair()]
    // Public half of the one, private half of the other.
    const mixed = copyBytes(Buffer.concat([one.subarray(0, 35), another.subarray(35)]))
    const wrong: Partial<AccountHandover>[] = [
      { accountId: 'x' },
      { deviceId: 0 },
      { deviceId: 128 },
      { secret: new Uint8Array(31) },
      { profileKey: new Uint8Array(33) },
      { relayId: '' },
      { relayId: 'r'.repeat(65) },
      { identityKeyPair: pair.slice(1) },
      { identityKeyPair: mixed },
    ]
    for (const part of wrong) {
      expect(() => sealHandover(key, linkId, { ...handover(), ...part })).toThrow('argument.invalid')
    }
  })
})

describe('a device’s name', () => {
  const pair = newIdentityKeyPair()

  it('is read by the account’s devices alone, for that device alone', () => {
    const sealed = sealName(pair, 2, 'Poste d’Aïssatou')
    expect(openName(pair, 2, sealed)).toBe('Poste d’Aïssatou')
    expect(openName(pair, 3, sealed)).toBeNull()
    expect(openName(newIdentityKeyPair(), 2, sealed)).toBeNull()
    expect(sealName(pair, 2, 'Poste d’Aïssatou')).not.toEqual(sealed)
  })

  it('shows one of few lengths, and fits', () => {
    const lengths = new Set(
      Array.from({ length: deviceNameBytes + 1 }, (_, n) => sealName(pair, 1, 'x'.repeat(n)).length),
    )
    expect(lengths.size).toBeLessThanOrEqual(3)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(512)
    expect(() => sealName(pair, 1, 'é'.repeat(101))).toThrow('content.tooLarge')
  })

  it('is none in any other bytes', () => {
    const sealed = sealName(pair, 1, 'bureau')
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(openName(pair, 1, changed)).toBeNull()
      expect(openName(pair, 1, sealed.slice(0, at))).toBeNull()
    }
    expect(openName(pair, 1, utf8('x'.repeat(300)))).toBeNull()
  })
})
