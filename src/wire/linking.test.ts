import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, copyBytes, utf8, type Bytes } from '../base/bytes.ts'
import { formatInvitation, invitationAlphabet, parseInvitation } from './invitation.ts'
import {
  canonicalLinkCode,
  formatRelayText,
  linkCode,
  linkCodeLength,
  linkIdOf,
  parseRelayText,
  spokenLinkCode,
  type PinnedRelay,
} from './linking.ts'

const bytes = (max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: max })
const parts = fc.record({
  key: bytes(3),
  nonce: bytes(3),
  relayId: fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }),
})
const hash: fc.Arbitrary<Bytes> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(copyBytes)

describe('the code of a device that is to be linked', () => {
  test('is the first 100 bits of the hash, most significant first', () => {
    const length = (n: number): Uint8Array => Uint8Array.of(0, 0, 0, n)
    const input = concatBytes(
      utf8('valise link code v1\0'),
      length(2),
      Uint8Array.of(5, 6),
      length(1),
      Uint8Array.of(7),
      length(2),
      utf8('r1'),
    )
    const bits = [...createHash('sha256').update(input).digest()]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
    const expected = Array.from({ length: 20 }, (_, n) =>
      invitationAlphabet.charAt(parseInt(bits.slice(n * 5, n * 5 + 5), 2)),
    )
    expect(linkCode(Uint8Array.of(5, 6), Uint8Array.of(7), 'r1')).toBe(expected.join(''))
  })

  test('depends on each part and on where one ends', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = linkCode(a.key, a.nonce, a.relayId) === linkCode(b.key, b.nonce, b.relayId)
        expect(same).toBe(fc.stringify({ ...a }) === fc.stringify({ ...b }))
      }),
      { numRuns: 500 },
    )
  })

  test('comes back from how a person types it, and nothing else does', () => {
    fc.assert(
      fc.property(
        parts,
        fc.infiniteStream(fc.constantFrom('', ' ', '-')),
        ({ key, nonce, relayId }, gaps) => {
          const code = linkCode(key, nonce, relayId)
          const typed = [...code]
            .map((c) => (c === '0' ? 'o' : c === '1' ? 'l' : c.toLowerCase()))
            .map((c) => c + (gaps.next().value ?? ''))
            .join('')
          expect(canonicalLinkCode(typed)).toBe(code)
          expect(canonicalLinkCode(spokenLinkCode(code))).toBe(code)
          expect(spokenLinkCode(code)).toMatch(/^(\w{4}-){4}\w{4}$/)
          expect(canonicalLinkCode(code.slice(1))).toBeNull()
          expect(canonicalLinkCode(`${code.slice(1)}U`)).toBeNull()
        },
      ),
    )
    expect(linkCodeLength).toBe(20)
  })

  test('the place where two devices meet is another for another code', () => {
    expect(linkIdOf('A'.repeat(20))).toHaveLength(32)
    expect(linkIdOf('A'.repeat(20))).not.toEqual(linkIdOf('B'.repeat(20)))
  })
})

describe('the text that names a relay', () => {
  const relay: fc.Arbitrary<PinnedRelay> = fc.oneof(
    fc.record({
      address: fc.constant('https://relay.example'),
      tlsPin: hash,
      anchors: hash,
      tlsEndsAtProxy: fc.boolean(),
    }),
    fc.record({
      address: fc.constant('http://127.0.0.1:8443'),
      tlsPin: fc.constant(null),
      anchors: hash,
      tlsEndsAtProxy: fc.constant(false),
    }),
  )

  test('comes back as it went; one changed character is refused', () => {
    fc.assert(
      fc.property(relay, fc.nat(400), (given, place) => {
        const text = formatRelayText(given)
        expect(text.startsWith('valise-relay:')).toBe(true)
        expect(parseRelayText(`${text.slice(0, place)}\n${text.slice(place)}`)).toEqual(given)
        const at = 13 + (place % (text.length - 14))
        const other = text.charAt(at) === 'A' ? 'B' : 'A'
        expect(() => parseRelayText(text.slice(0, at) + other + text.slice(at + 1))).toThrow(
          'invitation.malformed',
        )
      }),
    )
  })

  test('is no invitation, and an invitation is not it', () => {
    const pinned = {
      address: 'http://127.0.0.1:1',
      tlsPin: null,
      anchors: new Uint8Array(32),
      tlsEndsAtProxy: false,
    }
    const text = formatRelayText(pinned)
    const invitation = formatInvitation({ ...pinned, code: '000000000000' })
    const swapped = [text.replace('valise-relay:', 'valise:'), invitation.replace('valise:', 'valise-relay:')]
    expect(() => parseInvitation(swapped[0] ?? '')).toThrow('invitation.malformed')
    expect(() => parseRelayText(swapped[1] ?? '')).toThrow('invitation.malformed')
    expect(() => parseRelayText(invitation)).toThrow('invitation.malformed')
  })

  test('an address of another machine without TLS is named as such', () => {
    const text = formatRelayText({
      address: 'http://relay.example',
      tlsPin: null,
      anchors: new Uint8Array(32),
      tlsEndsAtProxy: false,
    })
    expect(() => parseRelayText(text)).toThrow('relay.insecureAddress')
  })
})
