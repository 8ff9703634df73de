import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '../base/errors.ts'
import {
  decodeContent,
  encodeContent,
  lastSentAt,
  outgoingText,
  textBytes,
  type WritableContent,
} from './content.ts'
import { ContentSchema, TextSchema } from './content_pb.ts'
import { maxContentBytes, pad, paddedSizes, unpad } from './padding.ts'

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => new Uint8Array(bytes))
const body: fc.Arbitrary<WritableContent['body']> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string({ minLength: 1, unit: 'grapheme' }) }),
  fc.record({
    kind: fc.constant('deliveryReceipt' as const),
    messageIds: fc.array(id, { minLength: 1, maxLength: 200 }),
  }),
)
const content = fc.record({ messageId: id, sentAt: fc.integer({ min: 0, max: lastSentAt }), body })

function codeOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
}

describe('content', () => {
  it('survives the way there and back', () => {
    fc.assert(
      fc.property(content, (value) => {
        expect(decodeContent(encodeContent(value))).toEqual(value)
      }),
    )
  })

  it('refuses any bytes with a code, never otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([null, 'content.malformed']).toContain(codeOf(() => decodeContent(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('has a moment that can be shown, or is refused', () => {
    const moments = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: BigInt(lastSentAt) - 5n, max: BigInt(lastSentAt) + 5n }),
    )
    fc.assert(
      fc.property(moments, (moment) => {
        const bytes = toBinary(
          ContentSchema,
          create(ContentSchema, {
            messageId: new Uint8Array(16),
            sentAt: moment,
            body: { case: 'text', value: create(TextSchema, { body: 'x' }) },
          }),
        )
        const exists = !Number.isNaN(new Date(Number(moment)).getTime())
        expect(codeOf(() => decodeContent(bytes))).toBe(exists ? null : 'content.malformed')
      }),
    )
  })

  it('keeps a body of a newer version as it came', () => {
    const known = encodeContent({
      messageId: new Uint8Array(16).fill(7),
      sentAt: 5,
      body: { kind: 'text', text: 'x' },
    })
    // Field 10 (text) becomes field 99: tag 0x52 → 0x9a 0x06.
    const at = known.indexOf(0x52, 18)
    const newer = Uint8Array.from([...known.subarray(0, at), 0x9a, 0x06, ...known.subarray(at + 1)])
    expect(decodeContent(newer).body).toEqual({ kind: 'unknown', raw: newer })
  })

  it('refuses a text past the limit and an empty one', () => {
    const messageId = new Uint8Array(16)
    const text = (length: number) =>
      encodeContent({ messageId, sentAt: 1, body: { kind: 'text', text: 'a'.repeat(length) } })
    expect(codeOf(() => decodeContent(text(textBytes)))).toBeNull()
    expect(codeOf(() => decodeContent(text(textBytes + 1)))).toBe('content.malformed')
    expect(codeOf(() => decodeContent(text(0)))).toBe('content.malformed')
  })
})

describe('outgoingText', () => {
  it('cleans and limits what was typed', () => {
    expect(outgoingText('a\r\nb\u0000c\td\ud800')).toBe('a\nbc\td\ufffd')
    expect(codeOf(() => outgoingText(' \n '))).toBe('message.empty')
    expect(codeOf(() => outgoingText('é'.repeat(textBytes / 2 + 1)))).toBe('message.tooLarge')
    expect(outgoingText('é'.repeat(textBytes / 2))).toHaveLength(textBytes / 2)
  })
})

describe('padding', () => {
  it('has at most 32 sizes, all rising and multiples of the cipher block', () => {
    expect(paddedSizes).toHaveLength(32)
    for (const [index, size] of paddedSizes.entries()) {
      expect(size % 16).toBe(0)
      expect(size).toBeGreaterThan(paddedSizes[index - 1] ?? 0)
    }
  })

  it('pads to one of the sizes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), (bytes) => {
        const padded = pad(bytes)
        expect(paddedSizes).toContain(padded.length)
        expect(unpad(padded)).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('has limits and refuses what was not padded', () => {
    expect(unpad(pad(new Uint8Array(maxContentBytes)))).toHaveLength(maxContentBytes)
    expect(codeOf(() => pad(new Uint8Array(maxContentBytes + 1)))).toBe('content.tooLarge')
    expect(codeOf(() => unpad(new Uint8Array(160)))).toBe('content.malformed')
    expect(codeOf(() => unpad(new Uint8Array(0)))).toBe('content.malformed')
    expect(codeOf(() => unpad(Uint8Array.of(1, 2, 3)))).toBe('content.malformed')
  })
})
