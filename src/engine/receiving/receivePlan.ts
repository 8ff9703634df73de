import type { Bytes } from '../../base/bytes.ts'
import { CodedError, type ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import {
  decodeContent,
  isForOwnDevices,
  type DecodedContent,
  type MessageRef,
} from '../../content/content.ts'
import type { OwnDevicesBody, ReceiptBody } from '../../content/body.ts'
import type { SentMessageBody } from '../../content/ownDevices.ts'
import type { MessageChange } from '../../content/rules/messageState.ts'
import { changeOf, targetsOf } from '../../content/rules/targets.ts'
import type { Address } from '../../protocol/address.ts'
import type { NewMessage } from '../../storage/repositories/messages.ts'

/** What one of the account's own devices says to the others, besides what it has sent. */
export type OwnNotice = Exclude<OwnDevicesBody, SentMessageBody>

/** What a decrypted content asks for. Pure: `arrivals.ts` carries it out in the transaction of the decryption. */
export type Effect =
  /** A row in the thread. */
  | {
      readonly kind: 'show'
      readonly message: NewMessage
      /** The envelope whose mark it replaces, or whose place it takes. */
      readonly resentEnvelopeId: Bytes | null
      /** The position that is kept for it. */
      readonly place: number | null
    }
  /** Something was done to a message; kept until that message comes, if it is not there. */
  | {
      readonly kind: 'change'
      readonly conversationId: string
      readonly target: MessageRef
      readonly change: MessageChange
      readonly raw: Bytes
    }
  | { readonly kind: 'receipt'; readonly receipt: ReceiptBody; readonly changeId: Bytes; readonly raw: Bytes }
  | { readonly kind: 'typing'; readonly conversationId: string; readonly typing: boolean }
  | {
      readonly kind: 'timer'
      readonly conversationId: string
      readonly seconds: number
      readonly changedAt: number
      readonly changeId: Bytes
      readonly own: boolean
    }
  /** With it one writes to the sender without a permit. */
  | { readonly kind: 'profileKey'; readonly profileKey: Bytes; readonly toldAt: number }
  | { readonly kind: 'ownNotice'; readonly notice: OwnNotice; readonly changeId: Bytes; readonly raw: Bytes }
  /** What could not be read in this envelope has come after all. */
  | { readonly kind: 'resent'; readonly envelopeId: Bytes }
  /** Well-formed, and not the sender's to say. */
  | { readonly kind: 'refuse'; readonly code: ErrorCode }

export interface Arrival {
  readonly sender: Address
  readonly envelopeId: Bytes
  readonly receivedAt: number
  /** The position that was kept while it could not be read. */
  readonly place?: number | null
  /** The envelope that could not be read, where it comes again in a content of an own device. */
  readonly resentEnvelopeId?: Bytes | null
}

/** Where a content belongs: in which conversation, and by whom it was written. */
interface Place extends Arrival {
  readonly conversationId: string
  readonly own: boolean
}

/** `ownId`: the account of this vault. */
export function planContent(encoded: Bytes, arrival: Arrival, ownId: string): readonly Effect[] {
  const content = readable(encoded)
  const fromSelf = arrival.sender.accountId === ownId
  const place = { ...arrival, conversationId: arrival.sender.accountId, own: false }
  // Its session key is used up: what cannot be read is kept as it came and shown as such.
  if (content === null) {
    return fromSelf
      ? [refuse('content.malformed')]
      : [show(place, { messageId: arrival.envelopeId, raw: encoded })]
  }
  const { resentEnvelopeId } = content
  const after: Effect[] = resentEnvelopeId === null ? [] : [{ kind: 'resent', envelopeId: resentEnvelopeId }]
  if (fromSelf) return [...planOwn(content, arrival, ownId), ...after]
  if (isForOwnDevices(content.body)) return [refuse('content.notAllowed')]
  const told: Effect[] =
    content.profileKey === null
      ? []
      : [{ kind: 'profileKey', profileKey: content.profileKey, toldAt: content.sentAt }]
  return [...told, ...planSaid(content, place, ownId), ...after]
}

function planOwn(content: DecodedContent, arrival: Arrival, ownId: string): readonly Effect[] {
  const { body, messageId: changeId } = content
  // Nothing but what is meant for own devices comes from one; what a newer version says to them is not for people.
  if (!isForOwnDevices(body)) return body.kind === 'unknown' ? [] : [refuse('content.notAllowed')]
  if (body.kind !== 'sentMessage') return [{ kind: 'ownNotice', notice: body, changeId, raw: content.raw }]
  const { resentEnvelopeId } = content
  return planSent(body.content, { ...arrival, resentEnvelopeId }, body.destination, ownId)
}

/** A content that this account has sent from another device, to `destination`. */
export function planSent(
  encoded: Bytes,
  arrival: Arrival,
  destination: string,
  ownId: string,
): readonly Effect[] {
  const sent = readable(encoded)
  if (sent === null || destination === ownId || isForOwnDevices(sent.body))
    return [refuse('content.malformed')]
  return planSaid(sent, { ...arrival, conversationId: destination, own: true }, ownId)
}

/** What was said in a conversation, by the other side or by this account on another device. */
function planSaid(content: DecodedContent, place: Place, ownId: string): readonly Effect[] {
  const { body, messageId, sentAt } = content
  const from = place.sender.accountId
  const resentEnvelopeId = place.resentEnvelopeId ?? content.resentEnvelopeId
  switch (body.kind) {
    case 'text':
      return [show(place, { messageId, sentAt, text: body, raw: content.raw, resentEnvelopeId })]
    case 'unknown':
      return [show(place, { messageId, sentAt, raw: body.raw, resentEnvelopeId })]
    case 'edit':
    case 'deleteForEveryone':
    case 'reaction':
    case 'acknowledgement': {
      const change = changeOf(content, from)
      const [target] = targetsOf(body, { from, own: ownId })
      if (change === null || target === undefined) return []
      return [{ kind: 'change', conversationId: place.conversationId, target, change, raw: content.raw }]
    }
    case 'deliveryReceipt':
    case 'readReceipt':
      return place.own ? [] : [{ kind: 'receipt', receipt: body, changeId: messageId, raw: content.raw }]
    case 'typing':
      return place.own ? [] : [{ kind: 'typing', conversationId: from, typing: body.typing }]
    case 'timerChange': {
      const { conversationId, own } = place
      const { seconds } = body
      return [{ kind: 'timer', conversationId, seconds, changedAt: sentAt, changeId: messageId, own }]
    }
    case 'profileKeyUpdate':
      return []
    case 'sentMessage':
    case 'readUpTo':
    case 'conversationSettings':
    case 'deleteForMe':
    case 'accountKeys':
    case 'identityDecision':
    case 'accountSettings':
      return [refuse('content.notAllowed')]
  }
  return exhausted(body)
}

/** The mark in the thread for an envelope that could not be decrypted and lies in quarantine. */
export function planUndecryptable(arrival: Arrival): NewMessage {
  const place = { ...arrival, conversationId: arrival.sender.accountId, own: false }
  return { ...rowOf(place, arrival.envelopeId, arrival.receivedAt), kind: 'undecryptable' }
}

/** Reasons that say something about a message of this sender; others are the relay's doing or a stranger's. */
const shown: ReadonlySet<ErrorCode> = new Set([
  'envelope.undecryptable',
  'envelope.tooFarAhead',
  'envelope.replayedKyberKey',
  'identity.superseded',
  'certificate.sender',
  'envelope.duplicate',
  'envelope.unknownPreKey',
  'session.missing',
  'content.malformed',
])

export function isShownInThread(code: ErrorCode): boolean {
  return shown.has(code)
}

/**
 * The time at which certificates are judged: when the relay took the envelope, kept within what can be true (not in
 * the future, at most 31 days ago, not before the last one taken in), never the local clock. All ms since the epoch.
 */
export function receptionTime(
  receivedAt: number,
  bounds: { readonly relayTime: number; readonly lastReceivedAt: number; readonly maxAgeMs: number },
): number {
  const { relayTime, lastReceivedAt, maxAgeMs } = bounds
  // One that lies ahead was taken from a relay whose clock was wrong: kept, it would make everything that waited look old.
  const last = lastReceivedAt > relayTime ? 0 : lastReceivedAt
  return Math.max(Math.min(receivedAt, relayTime), relayTime - maxAgeMs, last)
}

function readable(encoded: Bytes): DecodedContent | null {
  try {
    return decodeContent(encoded)
  } catch (error) {
    if (error instanceof CodedError) return null
    throw error
  }
}

function refuse(code: ErrorCode): Effect {
  return { kind: 'refuse', code }
}

interface Shown {
  readonly messageId: Bytes
  readonly sentAt?: number
  readonly text?: Extract<DecodedContent['body'], { kind: 'text' }>
  readonly raw?: Bytes
  readonly resentEnvelopeId?: Bytes | null
}

function show(place: Place, shown: Shown): Effect {
  const { messageId, text, raw = null, resentEnvelopeId = null } = shown
  const sentAt = shown.sentAt ?? place.receivedAt
  const row = rowOf(place, messageId, sentAt)
  const where = { resentEnvelopeId, place: place.place ?? null }
  if (text === undefined) return { kind: 'show', message: { ...row, kind: 'unknown', raw }, ...where }
  const { acknowledgementRequest: asked, timerSeconds } = text
  const message: NewMessage = {
    ...row,
    text: text.text,
    // As it came: fields of newer versions survive in it.
    body: raw,
    timerSeconds,
    acknowledgeBy: asked && (asked.deadline ?? 0),
  }
  return { kind: 'show', message, ...where }
}

function rowOf(
  { sender, conversationId, own, receivedAt }: Place,
  messageId: Bytes,
  sentAt: number,
): NewMessage {
  return {
    conversationId,
    authorId: sender.accountId,
    authorDevice: sender.deviceId,
    own,
    kind: 'text',
    messageId,
    text: '',
    raw: null,
    sentAt,
    receivedAt,
    delivery: own ? 'sent' : 'received',
  }
}
