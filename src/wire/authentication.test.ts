import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { anchorsHash } from './anchors.ts'
import { attestationInput, authenticationInput, enrolmentInput, linkInput } from './authentication.ts'
import { generationVerdicts, verdictNumber, verdictOf } from './generation.ts'

const bytes = (max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: max })

/** No two different inputs may read the same once they are one run of bytes. */
function injective<T extends object>(inputs: fc.Arbitrary<T>, encode: (input: T) => Uint8Array): void {
  fc.assert(
    fc.property(inputs, inputs, (a, b) => {
      expect(toHex(encode(a)) === toHex(encode(b))).toBe(fc.stringify({ ...a }) === fc.stringify({ ...b }))
    }),
    { numRuns: 500 },
  )
}

test('a proof of one connection fits no other relay, nonce, account, device or channel', () => {
  const relayId = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 3 })
  const input = fc.record({
    relayId,
    nonce: bytes(3),
    accountId: bytes(3),
    deviceId: fc.nat(3),
    channel: bytes(3),
  })
  injective(input, authenticationInput)
})

test('a proof of an enrolment fits no other code, key or registration id', () => {
  const code = fc.string({ unit: fc.constantFrom('A', 'B'), maxLength: 3 })
  const registrationId = fc.integer({ min: 1, max: 16_380 })
  injective(fc.record({ code, identityKey: bytes(3), deviceKey: bytes(3), registrationId }), enrolmentInput)
})

test('an attestation fits no other account, device, key or registration id', () => {
  const registrationId = fc.integer({ min: 1, max: 16_380 })
  const input = fc.record({ accountId: bytes(3), deviceId: fc.nat(3), registrationId, deviceKey: bytes(3) })
  injective(input, attestationInput)
})

test('a proof of a link fits no other offer, secret, key or registration id', () => {
  const registrationId = fc.integer({ min: 1, max: 16_380 })
  injective(fc.record({ linkId: bytes(3), secret: bytes(3), deviceKey: bytes(3), registrationId }), linkInput)
})

test('a verdict comes back from its number; no other number is one', () => {
  expect(generationVerdicts.map((verdict) => verdictOf(verdictNumber(verdict)))).toEqual(generationVerdicts)
  expect([0, -1, generationVerdicts.length + 1, 1.5].map(verdictOf)).toEqual([null, null, null, null])
})

test('the two kinds of proof never read the same', () => {
  const nothing = new Uint8Array(0)
  const authentication = authenticationInput({
    relayId: '',
    nonce: nothing,
    accountId: nothing,
    deviceId: 0,
    channel: nothing,
  })
  const enrolment = enrolmentInput({ code: '', identityKey: nothing, deviceKey: nothing, registrationId: 1 })
  expect(Buffer.from(authentication).toString('latin1')).toContain('valise authentication v2\0')
  expect(Buffer.from(enrolment).toString('latin1')).toContain('valise enrolment v1\0')
})

test('the anchors’ hash depends on each anchor and on where one ends', () => {
  injective(fc.record({ root: bytes(3), zk: bytes(3) }), ({ root, zk }) => anchorsHash(root, zk))
  const expected = createHash('sha256')
    .update('valise anchors v1\0\0\0\0\x01')
    .update(Uint8Array.of(5, 6))
    .digest('hex')
  expect(toHex(anchorsHash(Uint8Array.of(5), Uint8Array.of(6)))).toBe(expected)
})
