import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { concatBytes, toUuid, type Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import type { Body, BodyKind } from './body.ts'
import type { MessageRef } from './checks.ts'
import { encodeContent, type Content } from './content.ts'
import { ContentSchema } from './content_pb.ts'
import { identityKeyBytes, idBytes, lastSentAt, profileKeyBytes, timerRange } from './limits.ts'
import { excerptOf } from './outgoing.ts'
import { serviceReactions, type Reaction } from './reactions.ts'
import { formatStyles, type MessageText, type Range } from './text.ts'

// For tests of this room and of others: every content that Valise may write, and those of newer versions.

export const anyBytes = (length: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes))
export const anyId = anyBytes(idBytes)
export const anyAccountId = anyId.map((bytes) => toUuid(bytes) ?? '')
export const anyTime = fc.integer({ min: 0, max: lastSentAt })
export const anyTimer = fc.oneof(
  fc.constant(0),
  fc.integer({ min: timerRange.shortest, max: timerRange.longest }),
)
export const anyRef: fc.Arbitrary<MessageRef> = fc.record({ authorId: anyAccountId, messageId: anyId })

const unknownNumber = fc.integer({ min: 100, max: 2 ** 32 - 1 })
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

/** Well-formed and not blank. */
export const anyWords = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .map((text) => (text.trim() === '' ? 'bonjour' : text))

/** A range of whole code points. */
export function anyRange(text: string): fc.Arbitrary<Range> {
  let at = 0
  const places = [0, ...Array.from(text, (point) => (at += point.length))]
  return fc
    .tuple(fc.nat(places.length - 2), fc.nat(places.length - 2))
    .map(([a, b]) => [places[Math.min(a, b)] ?? 0, places[Math.max(a, b) + 1] ?? 0] as const)
    .map(([start, end]) => ({ start, length: end - start }))
}

export const anyText: fc.Arbitrary<MessageText> = anyWords.chain((text) =>
  fc.record({
    text: fc.constant(text),
    formats: fc.array(
      fc
        .tuple(
          anyRange(text),
          fc.oneof(fc.constantFrom(...formatStyles), fc.record({ unknown: unknownNumber })),
        )
        .map(([range, style]) => ({ ...range, style })),
      { maxLength: 4 },
    ),
    mentions: fc.array(
      fc.tuple(anyRange(text), anyAccountId).map(([range, accountId]) => ({ ...range, accountId })),
      { maxLength: 3 },
    ),
    quote: orNull(fc.record({ message: anyRef, excerpt: anyWords.map(excerptOf) })),
    timerSeconds: anyTimer,
    acknowledgementRequest: orNull(fc.record({ deadline: orNull(fc.integer({ min: 1, max: lastSentAt })) })),
  }),
)

export const anyReaction: fc.Arbitrary<Reaction> = fc.oneof(
  fc.record({ kind: fc.constant('service' as const), reaction: fc.constantFrom(...serviceReactions) }),
  fc.record({
    kind: fc.constant('emoji' as const),
    emoji: fc.constantFrom('👍', '👨‍👩‍👧‍👦', '🇫🇷', '1️⃣', '❤️', '👍🏽'),
  }),
  fc.record({ kind: fc.constant('unknown' as const), service: unknownNumber }),
)

const ids = fc.array(anyId, { minLength: 1, maxLength: 5 })
const refs = fc.array(anyRef, { minLength: 1, maxLength: 5 })
const kind = <K extends BodyKind>(name: K) => fc.constant(name)

/** What may go to anybody, by kind. */
export const bodiesForAll = {
  text: anyText.map((text) => ({ kind: 'text' as const, ...text })),
  deliveryReceipt: fc.record({ kind: kind('deliveryReceipt'), messageIds: ids }),
  readReceipt: fc.record({ kind: kind('readReceipt'), messageIds: ids }),
  edit: fc.record({ kind: kind('edit'), messageId: anyId, text: anyText }),
  deleteForEveryone: fc.record({ kind: kind('deleteForEveryone'), messageId: anyId }),
  reaction: fc.record({ kind: kind('reaction'), message: anyRef, reaction: orNull(anyReaction) }),
  acknowledgement: fc.record({ kind: kind('acknowledgement'), message: anyRef }),
  typing: fc.record({ kind: kind('typing'), typing: fc.boolean() }),
  timerChange: fc.record({ kind: kind('timerChange'), seconds: anyTimer }),
  profileKeyUpdate: fc.record({ kind: kind('profileKeyUpdate') }),
} satisfies { readonly [K in BodyKind]?: fc.Arbitrary<Extract<Body, { kind: K }>> }

const header = fc.record({
  messageId: anyId,
  sentAt: anyTime,
  profileKey: orNull(anyBytes(profileKeyBytes)),
  resentEnvelopeId: orNull(anyId),
})

function contentOf(body: fc.Arbitrary<Body>): fc.Arbitrary<Content> {
  return fc.tuple(header, body, anyBytes(profileKeyBytes)).map(([head, value, profileKey]) => ({
    ...head,
    // Without a key it would say nothing.
    profileKey: value.kind === 'profileKeyUpdate' ? profileKey : head.profileKey,
    body: value,
  }))
}

/** A content whose body has a field number that this version does not know. */
export const anyNewerContent: fc.Arbitrary<Content> = fc
  .tuple(header, fc.uint8Array({ maxLength: 40 }))
  .map(([head, payload]) => {
    const known = create(ContentSchema, {
      messageId: head.messageId,
      sentAt: BigInt(head.sentAt),
      profileKey: head.profileKey ?? new Uint8Array(),
      resentEnvelopeId: head.resentEnvelopeId ?? new Uint8Array(),
    })
    return { ...head, body: { kind: 'unknown', raw: withField99(toBinary(ContentSchema, known), payload) } }
  })

/** An encoded content with one more field, of a newer version. */
export function withField99(encoded: Uint8Array, payload: Uint8Array): Bytes {
  // Tag 99, length-delimited; the payload is shorter than 128 bytes.
  return concatBytes(encoded, Uint8Array.of(0x9a, 0x06, payload.length), payload)
}

const contentForAll = fc.oneof(...Object.values(bodiesForAll).map(contentOf), anyNewerContent)

/** What only own devices may send, by kind. */
export const bodiesForOwnDevices = {
  sentMessage: fc.record({
    kind: kind('sentMessage'),
    destination: anyAccountId,
    content: contentForAll.map(encodeContent),
  }),
  readUpTo: fc.record({ kind: kind('readUpTo'), conversationId: anyAccountId, messages: refs }),
  conversationSettings: fc.record({
    kind: kind('conversationSettings'),
    conversationId: anyAccountId,
    settings: fc.record({
      accepted: orNull(fc.boolean()),
      blocked: orNull(fc.boolean()),
      mutedUntil: orNull(anyTime),
      pinned: orNull(fc.boolean()),
      archived: orNull(fc.boolean()),
    }),
    changedAt: anyTime,
  }),
  deleteForMe: fc.record({ kind: kind('deleteForMe'), conversationId: anyAccountId, messages: refs }),
  accountKeys: fc
    .record({
      kind: kind('accountKeys'),
      identityKeyPair: orNull(anyBytes(69)),
      profileKey: orNull(anyBytes(profileKeyBytes)),
      changedAt: anyTime,
    })
    .filter((body) => body.identityKeyPair !== null || body.profileKey !== null),
  identityDecision: fc.record({
    kind: kind('identityDecision'),
    accountId: anyAccountId,
    identityKey: anyBytes(identityKeyBytes),
    accepted: fc.boolean(),
    verified: fc.boolean(),
    decidedAt: anyTime,
  }),
  accountSettings: fc.record({
    kind: kind('accountSettings'),
    settings: fc.record({
      deliveryReceipts: orNull(fc.boolean()),
      readReceipts: orNull(fc.boolean()),
      typingNotices: orNull(fc.boolean()),
    }),
    changedAt: anyTime,
  }),
} satisfies { readonly [K in BodyKind]?: fc.Arbitrary<Extract<Body, { kind: K }>> }

type KnownBodies = { readonly [K in Exclude<BodyKind, 'unknown'>]: fc.Arbitrary<Extract<Body, { kind: K }>> }
export const anyBodyOf: KnownBodies = { ...bodiesForAll, ...bodiesForOwnDevices }

/** By kind; the kinds of newer versions under `unknown`. */
export const anyContentOf: Readonly<Record<BodyKind, fc.Arbitrary<Content>>> = {
  text: contentOf(anyBodyOf.text),
  deliveryReceipt: contentOf(anyBodyOf.deliveryReceipt),
  readReceipt: contentOf(anyBodyOf.readReceipt),
  edit: contentOf(anyBodyOf.edit),
  deleteForEveryone: contentOf(anyBodyOf.deleteForEveryone),
  reaction: contentOf(anyBodyOf.reaction),
  acknowledgement: contentOf(anyBodyOf.acknowledgement),
  typing: contentOf(anyBodyOf.typing),
  timerChange: contentOf(anyBodyOf.timerChange),
  profileKeyUpdate: contentOf(anyBodyOf.profileKeyUpdate),
  sentMessage: contentOf(anyBodyOf.sentMessage),
  readUpTo: contentOf(anyBodyOf.readUpTo),
  conversationSettings: contentOf(anyBodyOf.conversationSettings),
  deleteForMe: contentOf(anyBodyOf.deleteForMe),
  accountKeys: contentOf(anyBodyOf.accountKeys),
  identityDecision: contentOf(anyBodyOf.identityDecision),
  accountSettings: contentOf(anyBodyOf.accountSettings),
  unknown: anyNewerContent,
}

export const anyContent = fc.oneof(...Object.values(anyContentOf))

/** A content of this account's with the rest left out, for tests that look at its body only. */
export function contentWith(body: Body): Content {
  return { messageId: new Uint8Array(idBytes), sentAt: 1, profileKey: null, resentEnvelopeId: null, body }
}

/** The code of what it throws, or null. Throws on what has no code. */
export function codeOf(work: () => unknown): ErrorCode | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
}
