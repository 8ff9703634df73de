import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareScanned, safetyNumber, type IdentifiedKey } from './fingerprint.ts'
import { identityPublicKey, newIdentityKeyPair } from './keys.ts'

const account = (): IdentifiedKey => ({
  accountId: crypto.randomUUID(),
  identityKey: identityPublicKey(newIdentityKeyPair()),
})

describe('a safety number', () => {
  const [a, b] = [account(), account()]
  const [ofA, ofB] = [safetyNumber(a, b), safetyNumber(b, a)]

  it('is the same 60 digits on both sides, and the scanned halves match', () => {
    expect(ofA.digits).toMatch(/^\d{5}( \d{5}){11}$/)
    expect(ofB.digits).toBe(ofA.digits)
    expect(compareScanned(ofA.scannable, ofB.scannable)).toBe(true)
    expect(compareScanned(ofB.scannable, ofA.scannable)).toBe(true)
  })

  it('is another for another key or another account', () => {
    const others: [IdentifiedKey, IdentifiedKey][] = [
      [a, { ...b, identityKey: account().identityKey }],
      [a, { ...b, accountId: crypto.randomUUID() }],
      [{ ...a, identityKey: account().identityKey }, b],
      [account(), account()],
    ]
    for (const [local, remote] of others) {
      const other = safetyNumber(remote, local)
      expect(other.digits).not.toBe(ofA.digits)
      expect(compareScanned(ofA.scannable, other.scannable)).toBe(false)
    }
    // One’s own screen is not the other side’s.
    expect(compareScanned(ofA.scannable, ofA.scannable)).toBe(false)
  })

  it('refuses what is no such code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => compareScanned(ofA.scannable, new Uint8Array(bytes))).toThrow('identity.mismatch')
      }),
    )
  })

  it('is not made of keys and ids that are none', () => {
    expect(() => safetyNumber({ ...a, accountId: 'x' }, b)).toThrow('argument.invalid')
    expect(() => safetyNumber(a, { ...b, identityKey: new Uint8Array(33) })).toThrow('identity.unknown')
  })
})
