import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex, type Bytes } from '../base/bytes.ts'
import type { Body, BodyKind } from './body.ts'
import { decodeContent, encodeContent, isForOwnDevices, type Content } from './content.ts'
import { ContentSchema, type Content as WireContent } from './content_pb.ts'
import {
  emojiBytes,
  excerptBytes,
  lastSentAt,
  noticeMessages,
  receiptIds,
  textBytes,
  textRanges,
  timerRange,
} from './limits.ts'
import { maxContentBytes } from './padding.ts'
import {
  anyBodyOf,
  anyContent,
  anyContentOf,
  bodiesForAll,
  bodiesForOwnDevices,
  codeOf,
  contentWith,
  withField99,
} from './testing.ts'
import { plainText, type MessageText } from './text.ts'

const codeOfBody = (body: Body) => codeOf(() => decodeContent(encodeContent(contentWith(body))))
const codeOfText = (text: Partial<MessageText>) =>
  codeOfBody({ kind: 'text', ...plainText('a'.repeat(1_000)), ...text })
const refused = 'content.malformed'
const account = '0b9c1a52-0f5e-4d0c-9f6e-3f4f6f0a7b11'
const id = (fill: number) => new Uint8Array(16).fill(fill)
const ref = { authorId: account, messageId: id(3) }
const refs = (count: number) => Array.from({ length: count }, () => ref)

/** The encoding after something was done to it that `encodeContent` never does. */
function tampered(body: Body, change: (message: WireContent) => void): Bytes {
  const message = fromBinary(ContentSchema, encodeContent(contentWith(body)))
  change(message)
  return toBinary(ContentSchema, message)
}

describe('every kind of content', () => {
  for (const [kind, content] of Object.entries(anyContentOf)) {
    it(`${kind} survives the way there and back`, () => {
      fc.assert(
        fc.property(content, (value) => {
          const raw = encodeContent(value)
          expect(decodeContent(raw)).toEqual({ ...value, raw })
          expect(value.body.kind).toBe(kind)
        }),
        { numRuns: 60 },
      )
    })
  }

  it('is refused with a code, or decodes to something valid, however it was cut or flipped', () => {
    const wounded = fc.tuple(anyContent, fc.nat(), fc.nat(7), fc.boolean()).map(([value, at, bit, cut]) => {
      const whole = encodeContent(value)
      const place = at % whole.length
      return cut ? whole.slice(0, place) : whole.map((byte, index) => byte ^ (index === place ? 1 << bit : 0))
    })
    let valid = 0
    fc.assert(
      fc.property(wounded, (bytes) => {
        const code = codeOf(() => {
          const { raw: _raw, ...content } = decodeContent(bytes)
          valid += 1
          // What was accepted is something that this version could have written.
          expect(decodeContent(encodeContent(content))).toMatchObject(content)
        })
        expect([null, refused]).toContain(code)
      }),
      { numRuns: 3_000 },
    )
    expect(valid).toBeGreaterThan(0)
  })

  it('is refused with a code for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([null, refused]).toContain(codeOf(() => decodeContent(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('fits a padded envelope at its largest', () => {
    const range = { start: 0, length: 1 }
    const text: MessageText = {
      text: 'a'.repeat(textBytes),
      formats: Array.from({ length: textRanges }, () => ({ ...range, style: 'bold' as const })),
      mentions: Array.from({ length: textRanges }, () => ({ ...range, accountId: account })),
      quote: { message: ref, excerpt: 'a'.repeat(excerptBytes) },
      timerSeconds: timerRange.longest,
      acknowledgementRequest: { deadline: lastSentAt },
    }
    const sent = (body: Body): Body => ({
      kind: 'sentMessage',
      destination: account,
      content: encodeContent({ ...contentWith(body), profileKey: new Uint8Array(32) }),
    })
    const bodies: readonly Body[] = [
      sent({ kind: 'edit', messageId: id(1), text }),
      { kind: 'readUpTo', conversationId: account, messages: refs(noticeMessages) },
      {
        kind: 'readReceipt',
        messageIds: Array.from({ length: receiptIds }, (_, n) => id(n)),
      },
    ]
    for (const body of bodies) {
      expect(encodeContent(contentWith(body)).length).toBeLessThanOrEqual(maxContentBytes)
      expect(codeOfBody(body)).toBeNull()
    }
  })
})

describe('newer versions', () => {
  it('are kept: a body, and a field of any body, as they came', () => {
    fc.assert(
      fc.property(anyContent, fc.uint8Array({ maxLength: 40 }), (content, payload) => {
        const newer = withField99(encodeContent(content), payload)
        const { raw, ...known } = decodeContent(newer)
        expect(raw).toEqual(newer)
        if (known.body.kind === 'unknown') expect(known.body.raw).toEqual(newer)
        else expect(known).toEqual(content)
        // Passed on to the account's other devices, nothing of it is lost.
        const code = isForOwnDevices(content.body) ? refused : null
        const passedOn: Body = { kind: 'sentMessage', destination: account, content: raw }
        expect(codeOfBody(passedOn)).toBe(code)
        if (code !== null) return
        expect(decodeContent(encodeContent(contentWith(passedOn))).body).toEqual(passedOn)
      }),
    )
  })
})

describe('own devices', () => {
  it('are the only ones to send these kinds', () => {
    const of = (kinds: object) => Object.keys(kinds).toSorted()
    const all = [...of(anyBodyOf), 'unknown'] as BodyKind[]
    expect(all.filter((kind) => isForOwnDevices({ kind })).toSorted()).toEqual(of(bodiesForOwnDevices))
    expect(all.filter((kind) => !isForOwnDevices({ kind })).toSorted()).toEqual(
      [...of(bodiesForAll), 'unknown'].toSorted(),
    )
  })

  it('cannot nest contents', () => {
    let content = encodeContent(contentWith({ kind: 'typing', typing: true }))
    for (let depth = 0; depth < 500; depth += 1) {
      content = encodeContent(contentWith({ kind: 'sentMessage', destination: account, content }))
      expect(codeOf(() => decodeContent(content))).toBe(depth === 0 ? null : refused)
    }
  })

  it('are refused where the content inside is malformed', () => {
    const content = encodeContent(contentWith({ kind: 'timerChange', seconds: 1 }))
    expect(codeOfBody({ kind: 'sentMessage', destination: account, content })).toBe(refused)
  })
})

describe('limits', () => {
  const range = { start: 0, length: 1 }
  const emoji = (bytes: number) => `👍${'\u0301'.repeat((bytes - 4) / 2)}`
  const ids = (count: number) => Array.from({ length: count }, () => id(1))
  const cases: readonly [string, number, (size: number) => string | null][] = [
    ['text', textBytes, (size) => codeOfText({ text: 'a'.repeat(size) })],
    [
      'formats',
      textRanges,
      (size) => codeOfText({ formats: Array.from({ length: size }, () => ({ ...range, style: 'bold' })) }),
    ],
    [
      'mentions',
      textRanges,
      (size) =>
        codeOfText({ mentions: Array.from({ length: size }, () => ({ ...range, accountId: account })) }),
    ],
    ['excerpt', excerptBytes, (size) => codeOfText({ quote: { message: ref, excerpt: 'a'.repeat(size) } })],
    ['end of a range', 1_000, (size) => codeOfText({ formats: [{ start: 0, length: size, style: 'bold' }] })],
    ['delivered ids', receiptIds, (size) => codeOfBody({ kind: 'deliveryReceipt', messageIds: ids(size) })],
    ['read ids', receiptIds, (size) => codeOfBody({ kind: 'readReceipt', messageIds: ids(size) })],
    [
      'messages read',
      noticeMessages,
      (size) => codeOfBody({ kind: 'readUpTo', conversationId: account, messages: refs(size) }),
    ],
    [
      'messages deleted',
      noticeMessages,
      (size) => codeOfBody({ kind: 'deleteForMe', conversationId: account, messages: refs(size) }),
    ],
    ['longest timer', timerRange.longest, (seconds) => codeOfBody({ kind: 'timerChange', seconds })],
    ['longest timer of a text', timerRange.longest, (timerSeconds) => codeOfText({ timerSeconds })],
    [
      'last moment',
      lastSentAt,
      (sentAt) =>
        codeOf(() =>
          decodeContent(encodeContent({ ...contentWith({ kind: 'typing', typing: true }), sentAt })),
        ),
    ],
    ['last deadline', lastSentAt, (deadline) => codeOfText({ acknowledgementRequest: { deadline } })],
    [
      'last change',
      lastSentAt,
      (changedAt) =>
        codeOfBody({
          kind: 'accountSettings',
          settings: { deliveryReceipts: true, readReceipts: null, typingNotices: null },
          changedAt,
        }),
    ],
  ]

  it.each(cases)('%s: at the limit and not past it', (_name, limit, codeAt) => {
    expect([codeAt(limit - 1), codeAt(limit), codeAt(limit + 1)]).toEqual([null, null, refused])
  })

  const lower: readonly [string, number, (size: number) => string | null][] = [
    ['text', 1, (size) => codeOfText({ text: 'a'.repeat(size) })],
    ['range', 1, (size) => codeOfText({ formats: [{ start: 0, length: size, style: 'bold' }] })],
    ['ids', 1, (size) => codeOfBody({ kind: 'readReceipt', messageIds: ids(size) })],
    [
      'messages read',
      1,
      (size) => codeOfBody({ kind: 'readUpTo', conversationId: account, messages: refs(size) }),
    ],
    ['shortest timer', timerRange.shortest, (seconds) => codeOfBody({ kind: 'timerChange', seconds })],
  ]

  it.each(lower)('%s: not below the least', (_name, least, codeAt) => {
    expect([codeAt(least - 1), codeAt(least), codeAt(least + 1)]).toEqual([refused, null, null])
  })

  it('a timer may be off', () => {
    expect(codeOfBody({ kind: 'timerChange', seconds: 0 })).toBeNull()
    expect(codeOfText({ timerSeconds: 0 })).toBeNull()
  })

  it('an emoji is one, of 64 bytes at most', () => {
    const code = (text: string) =>
      codeOfBody({ kind: 'reaction', message: ref, reaction: { kind: 'emoji', emoji: text } })
    expect([code(emoji(emojiBytes)), code(emoji(emojiBytes + 2))]).toEqual([null, refused])
    for (const text of ['👍👍', 'a', 'ok', '\u202e', '\n', '👍 ', '1']) expect(code(text), text).toBe(refused)
    for (const text of ['👍', '👩🏽‍🚒', '🇫🇷', '#️⃣', '☎️']) expect(code(text), text).toBeNull()
  })

  it('ids, keys and accounts have one length', () => {
    const typing: Body = { kind: 'typing', typing: true }
    const keyLengths = { messageId: [16], profileKey: [0, 32], resentEnvelopeId: [0, 16] } as const
    for (const [field, lengths] of Object.entries(keyLengths)) {
      for (const length of [0, 1, 15, 16, 17, 31, 32, 33]) {
        const bytes = tampered(typing, (message) => {
          message[field as keyof typeof keyLengths] = new Uint8Array(length)
        })
        const allowed = (lengths as readonly number[]).includes(length)
        expect(
          codeOf(() => decodeContent(bytes)),
          `${field} ${length}`,
        ).toBe(allowed ? null : refused)
      }
    }
    for (const length of [0, 15, 16, 17]) {
      const bytes = tampered({ kind: 'acknowledgement', message: ref }, (message) => {
        if (message.body.case === 'acknowledgement' && message.body.value.message)
          message.body.value.message.author = new Uint8Array(length)
      })
      expect(codeOf(() => decodeContent(bytes))).toBe(length === 16 ? null : refused)
    }
  })
})

describe('what contradicts itself is refused', () => {
  it('ranges outside the text or within a character', () => {
    const code = (start: number, length: number) =>
      codeOfText({ text: 'a😀b', mentions: [{ start, length, accountId: account }] })
    expect([code(0, 1), code(1, 2), code(0, 4), code(3, 1)]).toEqual([null, null, null, null])
    for (const [start, length] of [
      [0, 0],
      [0, 2],
      [2, 1],
      [2, 2],
      [0, 5],
      [4, 1],
      [5, 1],
      [1, 2 ** 32 - 1],
    ] as const) {
      expect(code(start, length), `${start} ${length}`).toBe(refused)
    }
    expect(codeOfText({ formats: [{ start: 0, length: 1, style: { unknown: 0 } }] })).toBe(refused)
  })

  it('two reactions in one, a reference without its message, an update of no key', () => {
    const reaction: Body = { kind: 'reaction', message: ref, reaction: { kind: 'emoji', emoji: '👍' } }
    const both = tampered(reaction, (message) => {
      if (message.body.case === 'reaction') message.body.value.service = 1
    })
    expect(codeOf(() => decodeContent(both))).toBe(refused)
    const nowhere = tampered(reaction, (message) => {
      if (message.body.case === 'reaction') delete message.body.value.message
    })
    expect(codeOf(() => decodeContent(nowhere))).toBe(refused)
    expect(codeOfBody({ kind: 'profileKeyUpdate' })).toBe(refused)
    expect(codeOfBody({ kind: 'accountKeys', identityKeyPair: null, profileKey: null, changedAt: 1 })).toBe(
      refused,
    )
  })

  it('settings that do not say when they changed', () => {
    const settings = { accepted: true, blocked: null, mutedUntil: null, pinned: null, archived: null }
    const body: Body = { kind: 'conversationSettings', conversationId: account, settings, changedAt: 4 }
    const undated = tampered(body, (message) => {
      if (message.body.case === 'conversationSettings') delete message.body.value.changedAt
    })
    expect(codeOf(() => decodeContent(undated))).toBe(refused)
  })
})

it('numbers of a newer version are kept and marked', () => {
  const content: Content = contentWith({
    kind: 'reaction',
    message: ref,
    reaction: { kind: 'unknown', service: 77 },
  })
  expect(decodeContent(encodeContent(content)).body).toEqual(content.body)
})

it('the encoding is the one of the schema', () => {
  // A change here would be a change of the protocol.
  const body: Body = { kind: 'reaction', message: ref, reaction: { kind: 'service', reaction: 'noted' } }
  const wire = create(ContentSchema, {
    messageId: id(0),
    sentAt: 1n,
    body: {
      case: 'reaction',
      value: {
        message: {
          author: new Uint8Array(Buffer.from(account.replaceAll('-', ''), 'hex')),
          messageId: id(3),
        },
        service: 4,
      },
    },
  })
  expect(toHex(encodeContent(contentWith(body)))).toBe(toHex(toBinary(ContentSchema, wire)))
})
