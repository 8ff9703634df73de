import type { Bytes } from '../../base/bytes.ts'
import type { Tx } from '../vault.ts'
import { findMessage, type MessageKind, type MessageRef } from './messages.ts'

/** A message that has just become read. */
export interface ReadMessage extends MessageRef {
  readonly position: number
  readonly conversationId: string
  /** Nobody is told of marks: they have no message id of their author. */
  readonly kind: MessageKind
}

export const unreadUpTo = `SELECT position, conversation_id AS conversationId, author_id AS authorId,
    message_id AS messageId, kind FROM message
  WHERE conversation_id = ? AND own = 0 AND read_at IS NULL AND position <= ? ORDER BY position`

/** Reads everything up to a position. What became read by it, oldest first; its timers begin at `readAt`, ms. */
export function markRead(tx: Tx, conversationId: string, position: number, readAt: number): ReadMessage[] {
  const read = tx.all<{
    position: number
    conversationId: string
    authorId: string
    messageId: Bytes
    kind: MessageKind
  }>(unreadUpTo, [conversationId, position])
  for (const message of read) setRead(tx, message.position, readAt)
  return read
}

/**
 * Reads these messages, as another device of the account tells it. Unknown ones are left out, and so is what is not in
 * this conversation.
 */
export function markMessagesRead(
  tx: Tx,
  conversationId: string,
  messages: readonly MessageRef[],
  readAt: number,
): ReadMessage[] {
  const read: ReadMessage[] = []
  for (const { authorId, messageId } of messages) {
    const message = findMessage(tx, authorId, messageId)
    if (message === null || message.conversationId !== conversationId) continue
    if (message.own || message.readAt !== null) continue
    setRead(tx, message.position, readAt)
    read.push({ position: message.position, conversationId, authorId, messageId, kind: message.kind })
  }
  return read
}

function setRead(tx: Tx, position: number, readAt: number): void {
  tx.run('UPDATE message SET read_at = ? WHERE position = ?', [readAt, position])
  startTimer(tx, position, readAt)
}

/** Begins a message's timer at `from`, ms; one that has begun, or has none, stays. */
export function startTimer(tx: Tx, position: number, from: number): void {
  tx.run(
    `UPDATE message SET expires_at = ? + timer_seconds * 1000
     WHERE position = ? AND timer_seconds > 0 AND expires_at IS NULL`,
    [from, position],
  )
}
