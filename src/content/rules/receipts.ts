import { toHex, type Bytes } from '../../base/bytes.ts'
import type { BodyKind, ReceiptBody } from '../body.ts'
import type { MessageRef } from '../checks.ts'
import { receiptIds } from '../limits.ts'

export type ReceiptKind = ReceiptBody['kind']

/** A message that was received, as far as receipts care. */
export interface ReceivedMessage {
  readonly kind: BodyKind
  /** Of the content itself: an envelope that could not be read has none. */
  readonly messageId: Bytes | null
}

export interface ReceiptTerms {
  readonly contact: { readonly accepted: boolean; readonly blocked: boolean }
  /** Of this account. */
  readonly switches: { readonly deliveryReceipts: boolean; readonly readReceipts: boolean }
}

/**
 * The receipts owed to the author of these messages: none to a stranger, so that nobody learns from them who is online,
 * none for what the thread does not show, each message once. In the order given, as many bodies as the limit asks for.
 */
export function receiptsFor(
  receipt: ReceiptKind,
  messages: readonly ReceivedMessage[],
  { contact, switches }: ReceiptTerms,
): readonly ReceiptBody[] {
  const on = receipt === 'deliveryReceipt' ? switches.deliveryReceipts : switches.readReceipts
  if (!on || !contact.accepted || contact.blocked) return []
  const owed = new Map<string, Bytes>()
  for (const { kind, messageId } of messages) {
    if (kind === 'text' && messageId !== null) owed.set(toHex(messageId), messageId)
  }
  const ids = [...owed.values()]
  return Array.from({ length: Math.ceil(ids.length / receiptIds) }, (_, page) => ({
    kind: receipt,
    messageIds: ids.slice(page * receiptIds, (page + 1) * receiptIds),
  }))
}

/** Where a sent message stands. */
export type SentState = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed'

/**
 * Where a sent message stands after a receipt. A receipt moves only what this account (`own`) sent to that very contact,
 * and only forward, also past a failure: who confirms a message has it. Null: it moves nothing.
 */
export function stateAfterReceipt(
  receipt: ReceiptKind,
  { from, own }: { readonly from: string; readonly own: string },
  message: Pick<MessageRef, 'authorId'> & { readonly sentTo: string; readonly state: SentState },
): 'delivered' | 'read' | null {
  if (message.authorId !== own || message.sentTo !== from || from === own) return null
  const next = receipt === 'deliveryReceipt' ? 'delivered' : 'read'
  return message.state === 'read' || message.state === next ? null : next
}
