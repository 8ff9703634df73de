import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeContent, encodeContent } from './content.ts'
import { excerptBytes, textBytes } from './limits.ts'
import { excerptOf, outgoingMessage, outgoingText } from './outgoing.ts'
import { outgoingReaction } from './reactions.ts'
import { anyRange, anyWords, codeOf, contentWith } from './testing.ts'

describe('outgoingText', () => {
  it('cleans and limits what was typed', () => {
    expect(outgoingText('a\r\nb\u0000c\td\ud800')).toBe('a\nbc\td\ufffd')
    expect(outgoingText('a\r\r\n\r\u0000\nb')).toBe('a\n\n\n\nb')
    expect(codeOf(() => outgoingText(' \n '))).toBe('message.empty')
    expect(codeOf(() => outgoingText('é'.repeat(textBytes / 2 + 1)))).toBe('message.tooLarge')
    expect(outgoingText('é'.repeat(textBytes / 2))).toHaveLength(textBytes / 2)
  })
})

describe('outgoingMessage', () => {
  const piece = fc.constantFrom(
    'a',
    'é',
    '😀',
    '\r\n',
    '\r',
    '\n',
    '\t',
    '\u0000',
    '\u0085',
    '\ud83d',
    '\udc00',
  )
  const typed = fc.array(piece, { minLength: 1, maxLength: 20 }).map((pieces) => `x${pieces.join('')}`)
  const withRange = typed.chain((text) => fc.tuple(fc.constant(text), anyRange(text)))
  // What stands between marks is cleaned like the rest, and is not trimmed or found empty.
  const cleaned = (text: string) => outgoingText(`x${text}x`).slice(1, -1)

  it('moves ranges along with what they cover', () => {
    let dropped = 0
    fc.assert(
      fc.property(withRange, ([text, { start, length }]) => {
        const end = start + length
        // A line end of two characters is one.
        fc.pre(
          !/^\r\n$/.test(text.slice(start - 1, start + 1)) && !/^\r\n$/.test(text.slice(end - 1, end + 1)),
        )
        const sent = outgoingMessage(text, { formats: [{ start, length, style: 'bold' }] })
        expect(sent.text).toBe(outgoingText(text))
        const wanted = cleaned(text.slice(start, end))
        const [format] = sent.formats
        if (format === undefined) dropped += 1
        expect(format ? sent.text.slice(format.start, format.start + format.length) : '').toBe(wanted)
        if (format) expect(format.start).toBe(cleaned(text.slice(0, start)).length)
      }),
      { numRuns: 1_000 },
    )
    expect(dropped).toBeGreaterThan(0)
  })

  it('makes what every recipient takes', () => {
    const account = '0b9c1a52-0f5e-4d0c-9f6e-3f4f6f0a7b11'
    fc.assert(
      fc.property(withRange, ([text, range]) => {
        const sent = outgoingMessage(text, {
          formats: [{ ...range, style: 'italic' }],
          mentions: [{ ...range, accountId: account }],
          quote: {
            message: { authorId: account, messageId: new Uint8Array(16) },
            excerpt: text.repeat(100),
          },
          timerSeconds: 3600,
          acknowledgementRequest: { deadline: null },
        })
        const body = { kind: 'text', ...sent } as const
        expect(decodeContent(encodeContent(contentWith(body))).body).toEqual(body)
      }),
    )
  })

  it('refuses what no recipient would take', () => {
    const bold = (start: number, length: number) => ({ start, length, style: 'bold' }) as const
    const of = (...formats: ReturnType<typeof bold>[]) => codeOf(() => outgoingMessage('a😀', { formats }))
    expect(of(bold(0, 3))).toBeNull()
    for (const range of [bold(0, 2), bold(0, 4), bold(-1, 2), bold(0, 0), bold(0.5, 1), bold(0, NaN)]) {
      expect(of(range)).toBe('content.malformed')
    }
    expect(of(...Array.from({ length: 101 }, () => bold(0, 1)))).toBe('content.malformed')
    expect(codeOf(() => outgoingMessage('a', { timerSeconds: 1 }))).toBe('content.malformed')
    expect(codeOf(() => outgoingMessage('\u0000', {}))).toBe('message.empty')
  })
})

describe('excerptOf', () => {
  it('is the longest beginning of whole characters that fits', () => {
    const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
    const long = fc.array(fc.oneof(anyWords, fc.constant('👨‍👩‍👧‍👦')), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(long, (words) => {
        const text = words.join('')
        const excerpt = excerptOf(text)
        const next = graphemes.segment(text).containing(excerpt.length)?.segment ?? ''
        expect(text.startsWith(excerpt)).toBe(true)
        expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(excerptBytes)
        if (excerpt !== text) expect(Buffer.byteLength(excerpt + next)).toBeGreaterThan(excerptBytes)
      }),
    )
    expect(Buffer.byteLength(excerptOf('a'.repeat(600)))).toBe(excerptBytes)
    expect(excerptOf(`a\ud800`)).toBe('a\ufffd')
    expect(excerptOf(`a${'\u0301'.repeat(600)}`)).toBe('')
  })
})

it('a reaction that was chosen is one emoji', () => {
  expect(codeOf(() => outgoingReaction({ kind: 'emoji', emoji: 'oui' }))).toBe('reaction.invalid')
  expect(outgoingReaction({ kind: 'emoji', emoji: '👍' })).toEqual({ kind: 'emoji', emoji: '👍' })
})
