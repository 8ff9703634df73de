import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

export type MessageKind = 'text' | 'unknown' | 'undecryptable'
export type DeliveryState = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received'

export interface NewMessage {
  readonly conversationId: string
  readonly messageId: Bytes
  readonly authorId: string
  readonly authorDevice: number
  readonly own: boolean
  readonly kind: MessageKind
  readonly text: string
  /** Content that this version does not know, as it came. */
  readonly raw: Bytes | null
  readonly sentAt: number
  readonly receivedAt: number
  readonly delivery: DeliveryState
}

export interface MessageRow extends Omit<NewMessage, 'raw'> {
  readonly position: number
  /** An ErrorReport as JSON, where `delivery` is `failed`. */
  readonly error: string | null
}

const columns = `position, conversation_id, message_id, author_id, author_device, own, kind, text,
  sent_at, received_at, delivery, error`

interface Raw extends Readonly<Record<string, SqlValue>> {
  position: number
  conversation_id: string
  message_id: Bytes
  author_id: string
  author_device: number
  own: number
  kind: MessageKind
  text: string
  sent_at: number
  received_at: number
  delivery: DeliveryState
  error: string | null
}

/** Delivery only moves forward: a late receipt never takes back what a newer one said. */
const rank: Readonly<Record<DeliveryState, number>> = {
  queued: 0,
  failed: 0,
  sending: 1,
  sent: 2,
  delivered: 3,
  read: 4,
  received: 5,
}

/** The position given, or null when a message of that author's device with that id exists already. */
export function insertMessage(tx: Tx, message: NewMessage): number | null {
  const { changes, lastId } = tx.run(
    `INSERT INTO message (conversation_id, message_id, author_id, author_device, own, kind, text, raw,
       sent_at, received_at, delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      message.conversationId,
      message.messageId,
      message.authorId,
      message.authorDevice,
      message.own ? 1 : 0,
      message.kind,
      message.text,
      message.raw,
      message.sentAt,
      message.receivedAt,
      message.delivery,
    ],
  )
  return changes === 1 ? lastId : null
}

/** Up to `limit` messages before a position (null: the newest), oldest first. */
export function readPage(
  sql: Sql,
  conversationId: string,
  before: number | null,
  limit: number,
): MessageRow[] {
  return sql
    .all<Raw>(
      `SELECT ${columns} FROM message WHERE conversation_id = ? AND position < ? ORDER BY position DESC LIMIT ?`,
      [conversationId, before ?? Number.MAX_SAFE_INTEGER, limit],
    )
    .map(fromRaw)
    .reverse()
}

export function readMessage(sql: Sql, position: number): MessageRow | null {
  const raw = sql.get<Raw>(`SELECT ${columns} FROM message WHERE position = ?`, [position])
  return raw && fromRaw(raw)
}

export function findOwnMessage(sql: Sql, messageId: Bytes): MessageRow | null {
  const raw = sql.get<Raw>(`SELECT ${columns} FROM message WHERE message_id = ? AND own = 1`, [messageId])
  return raw && fromRaw(raw)
}

export function newestMessage(sql: Sql, conversationId: string): MessageRow | null {
  const raw = sql.get<Raw>(
    `SELECT ${columns} FROM message WHERE conversation_id = ? ORDER BY position DESC LIMIT 1`,
    [conversationId],
  )
  return raw && fromRaw(raw)
}

/** Moves a message of one's own forward; false when it stood there or further. */
export function advanceDelivery(tx: Tx, position: number, delivery: DeliveryState): boolean {
  const current = readMessage(tx, position)
  if (current === null || !current.own || rank[current.delivery] >= rank[delivery]) return false
  tx.run('UPDATE message SET delivery = ?, error = NULL WHERE position = ?', [delivery, position])
  return true
}

/** Sets it whatever it was: for giving up on a message and for trying it again. */
export function setDelivery(tx: Tx, position: number, delivery: DeliveryState, error: string | null): void {
  tx.run('UPDATE message SET delivery = ?, error = ? WHERE position = ?', [delivery, error, position])
}

export function deleteMessage(tx: Tx, position: number): void {
  tx.run('DELETE FROM message WHERE position = ?', [position])
}

function fromRaw(raw: Raw): MessageRow {
  return {
    position: raw.position,
    conversationId: raw.conversation_id,
    messageId: raw.message_id,
    authorId: raw.author_id,
    authorDevice: raw.author_device,
    own: raw.own === 1,
    kind: raw.kind,
    text: raw.text,
    sentAt: raw.sent_at,
    receivedAt: raw.received_at,
    delivery: raw.delivery,
    error: raw.error,
  }
}
