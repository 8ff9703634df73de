import type { Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { exhausted } from '../base/exhaustive.ts'
import { decodeContent, type Content } from '../content/content.ts'
import type { Address } from '../protocol/address.ts'
import type { NewMessage } from '../storage/repositories/messages.ts'

/** What a decrypted content asks for. Pure: the receiver carries it out in the transaction of the decryption. */
export type Effect =
  /** A row in the thread; `receipt`: its author is told that it has arrived. */
  | { readonly kind: 'show'; readonly message: NewMessage; readonly receipt: boolean }
  | { readonly kind: 'delivered'; readonly messageIds: readonly Bytes[] }

export interface Arrival {
  readonly sender: Address
  readonly envelopeId: Bytes
  readonly receivedAt: number
}

export function planContent(encoded: Bytes, arrival: Arrival): Effect {
  const content = readable(encoded)
  // Its session key is used up: what cannot be read is kept as it came and shown as such.
  if (content === null) return show(arrival, { kind: 'unknown', messageId: arrival.envelopeId, raw: encoded })
  switch (content.body.kind) {
    case 'text':
      return show(arrival, {
        kind: 'text',
        messageId: content.messageId,
        text: content.body.text,
        sentAt: content.sentAt,
      })
    case 'deliveryReceipt':
      return { kind: 'delivered', messageIds: content.body.messageIds }
    case 'unknown':
      return show(arrival, { ...content, kind: 'unknown', raw: content.body.raw })
  }
  return exhausted(content.body)
}

/** The mark in the thread for an envelope that could not be decrypted and lies in quarantine. */
export function planUndecryptable(arrival: Arrival): Effect {
  return show(arrival, { kind: 'undecryptable', messageId: arrival.envelopeId })
}

/** Reasons that say something about a message of this sender; others are the relay's doing or a stranger's. */
const shown: ReadonlySet<ErrorCode> = new Set([
  'envelope.undecryptable',
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
  const latest = Math.min(receivedAt, bounds.relayTime)
  return Math.max(
    latest,
    bounds.relayTime - bounds.maxAgeMs,
    Math.min(bounds.lastReceivedAt, bounds.relayTime),
  )
}

function readable(encoded: Bytes): Content | null {
  try {
    return decodeContent(encoded)
  } catch (error) {
    if (error instanceof CodedError) return null
    throw error
  }
}

function show(
  { sender, receivedAt }: Arrival,
  parts: Pick<NewMessage, 'kind' | 'messageId'> & Partial<Pick<NewMessage, 'text' | 'raw' | 'sentAt'>>,
): Effect {
  const message: NewMessage = {
    conversationId: sender.accountId,
    authorId: sender.accountId,
    authorDevice: sender.deviceId,
    own: false,
    kind: parts.kind,
    messageId: parts.messageId,
    text: parts.text ?? '',
    raw: parts.raw ?? null,
    sentAt: parts.sentAt ?? receivedAt,
    receivedAt,
    delivery: 'received',
  }
  return { kind: 'show', message, receipt: parts.kind === 'text' }
}
