import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'
import { rememberReceived } from './received.ts'

/** `undecryptable` is the mark of a message that is missing; `system` a line of Valise's own. */
export type MessageKind = 'text' | 'unknown' | 'undecryptable' | 'system'
export type DeliveryState = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'received'

/** Names a message on every device: its author's account and the id that the author's device chose. */
export interface MessageRef {
  readonly authorId: string
  readonly messageId: Bytes
}

/** Times are ms since the epoch. */
export interface NewMessage extends MessageRef {
  readonly conversationId: string
  readonly authorDevice: number
  readonly own: boolean
  readonly kind: MessageKind
  readonly text: string
  /** Content that this version does not know, as it came. */
  readonly raw: Bytes | null
  readonly sentAt: number
  readonly receivedAt: number
  readonly delivery: DeliveryState
  /** The encoded content of the version shown; null for marks, and for messages of older vaults. */
  readonly body?: Bytes | null
  /** What a `system` line says, as JSON of its writer. */
  readonly system?: string | null
  /** It disappears this long after it was read; 0: it stays. */
  readonly timerSeconds?: number
  /** Until when it is asked to be taken into account; 0: without a deadline; null: not asked. */
  readonly acknowledgeBy?: number | null
  /** When it was read; null: not yet. A `system` line is never unread. */
  readonly readAt?: number | null
}

export interface MessageRow extends Required<Omit<NewMessage, 'raw'>> {
  readonly position: number
  /** An ErrorReport as JSON, where `delivery` is `failed`. */
  readonly error: string | null
  /** Taken back by its author: text, content and history are gone. */
  readonly deletedAt: number | null
  /** When the version shown was written; null when it is the first. */
  readonly editedAt: number | null
  /** When it disappears; null while its timer has not begun. */
  readonly expiresAt: number | null
  /** Somebody has reacted to it, or taken it into account. */
  readonly answered: boolean
}

const columns = `position, conversation_id, message_id, author_id, author_device, own, kind, text, sent_at, received_at,
  delivery, error, body, system, deleted_at, edited_at, read_at, timer_seconds, expires_at, acknowledge_by,
  EXISTS (SELECT 1 FROM reaction WHERE message_author = author_id AND reaction.message_id = message.message_id) OR
  EXISTS (SELECT 1 FROM acknowledgement
    WHERE message_author = author_id AND acknowledgement.message_id = message.message_id) AS answered`

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
  body: Bytes | null
  system: string | null
  deleted_at: number | null
  edited_at: number | null
  read_at: number | null
  timer_seconds: number
  expires_at: number | null
  acknowledge_by: number | null
  answered: number
}

export const messageQueries = {
  page: `SELECT ${columns} FROM message WHERE conversation_id = ? AND position < ? ORDER BY position DESC LIMIT ?`,
  newest: `SELECT ${columns} FROM message WHERE conversation_id = ? ORDER BY position DESC LIMIT 1`,
  find: `SELECT ${columns} FROM message WHERE message_id = ? AND author_id = ? ORDER BY author_device LIMIT 1`,
  own: `SELECT ${columns} FROM message WHERE message_id = ? AND own = 1`,
  mark: `SELECT position FROM message WHERE message_id = ? AND author_id = ? AND author_device = ?
    AND conversation_id = ? AND kind = 'undecryptable'`,
} as const

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

const written = `conversation_id, message_id, author_id, author_device, own, kind, text, raw, sent_at, received_at,
  delivery, body, system, timer_seconds, acknowledge_by, read_at`
const places = '?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?'

/**
 * The position given, or null when a message of that author's device with that id exists already. `kept`: a position that
 * was reserved for it; null: behind everything else.
 */
export function insertMessage(tx: Tx, message: NewMessage, kept: number | null = null): number | null {
  const { changes, lastId } = tx.run(
    `INSERT INTO message (position, ${written}) VALUES (?, ${places}) ON CONFLICT DO NOTHING`,
    [kept, ...valuesOf(message)],
  )
  return changes === 1 ? lastId : null
}

/** A position for a message that cannot be read yet. SQLite lets AUTOINCREMENT's table be written (its documentation, autoinc). */
export function reservePosition(tx: Tx): number {
  const sequence = `SELECT seq FROM sqlite_sequence WHERE name = 'message'`
  tx.run(`INSERT INTO sqlite_sequence (name, seq) SELECT 'message', 0 WHERE NOT EXISTS (${sequence})`)
  tx.run(`UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message'`)
  const row = tx.get<{ seq: number }>(sequence)
  if (row === null) throw new CodedError('vault.damaged')
  return row.seq
}

/**
 * Puts a message that was sent again in the place of the mark that an envelope of the same author's device left. The
 * position given, or null when there is no such mark, or the message is there already: then no mark is left.
 */
export function replaceMark(
  tx: Tx,
  conversationId: string,
  envelopeId: Bytes,
  message: NewMessage,
): number | null {
  const { authorId, authorDevice } = message
  const mark = tx.get<{ position: number }>(messageQueries.mark, [
    envelopeId,
    authorId,
    authorDevice,
    conversationId,
  ])
  if (mark === null) return null
  const { changes } = tx.run(
    `UPDATE OR IGNORE message SET (${written}) = (${places}), expires_at = NULL WHERE position = ?`,
    [...valuesOf(message), mark.position],
  )
  if (changes === 1) return mark.position
  deleteMessage(tx, mark.position)
  return null
}

/** Up to `limit` messages before a position (null: the newest), oldest first. */
export function readPage(
  sql: Sql,
  conversationId: string,
  before: number | null,
  limit: number,
): MessageRow[] {
  return sql
    .all<Raw>(messageQueries.page, [conversationId, before ?? Number.MAX_SAFE_INTEGER, limit])
    .map(fromRaw)
    .reverse()
}

export function readMessage(sql: Sql, position: number): MessageRow | null {
  const raw = sql.get<Raw>(`SELECT ${columns} FROM message WHERE position = ?`, [position])
  return raw && fromRaw(raw)
}

/** By author and id, whichever of the author's devices wrote it. */
export function findMessage(sql: Sql, authorId: string, messageId: Bytes): MessageRow | null {
  const raw = sql.get<Raw>(messageQueries.find, [messageId, authorId])
  return raw && fromRaw(raw)
}

export function findOwnMessage(sql: Sql, messageId: Bytes): MessageRow | null {
  const raw = sql.get<Raw>(messageQueries.own, [messageId])
  return raw && fromRaw(raw)
}

export function newestMessage(sql: Sql, conversationId: string): MessageRow | null {
  const raw = sql.get<Raw>(messageQueries.newest, [conversationId])
  return raw && fromRaw(raw)
}

/** Content of a newer version as it came; null for every other message. */
export function readRaw(sql: Sql, position: number): Bytes | null {
  return sql.get<{ raw: Bytes | null }>('SELECT raw FROM message WHERE position = ?', [position])?.raw ?? null
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
  deleteMessages(tx, [position])
}

/**
 * Removes messages from this vault with their history, reactions, acknowledgements and the jobs that carry them. Their
 * dedupe keys are kept, so that none comes back.
 */
export function deleteMessages(tx: Tx, positions: readonly number[]): void {
  for (const position of positions) {
    const message = readMessage(tx, position)
    if (message === null) continue
    const { authorId, authorDevice: deviceId, messageId, receivedAt } = message
    // So that it does not come back.
    if (message.kind === 'text' || message.kind === 'unknown')
      rememberReceived(tx, { accountId: authorId, deviceId, messageId }, receivedAt)
    for (const table of ['reaction', 'acknowledgement'] as const) {
      tx.run(`DELETE FROM ${table} WHERE message_author = ? AND message_id = ?`, [authorId, messageId])
    }
    // Nobody is sent again what is no more here.
    tx.run('DELETE FROM resend WHERE message_id = ?', [messageId])
    tx.run('DELETE FROM message WHERE position = ?', [position])
  }
}

function valuesOf(message: NewMessage): SqlValue[] {
  const system = message.kind === 'system'
  return [
    message.conversationId,
    message.messageId,
    message.authorId,
    message.authorDevice,
    Number(message.own),
    message.kind,
    message.text,
    message.raw,
    message.sentAt,
    message.receivedAt,
    message.delivery,
    message.body ?? null,
    message.system ?? null,
    message.timerSeconds ?? 0,
    message.acknowledgeBy ?? null,
    message.readAt ?? (system ? message.receivedAt : null),
  ]
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
    body: raw.body,
    system: raw.system,
    deletedAt: raw.deleted_at,
    editedAt: raw.edited_at,
    readAt: raw.read_at,
    timerSeconds: raw.timer_seconds,
    expiresAt: raw.expires_at,
    acknowledgeBy: raw.acknowledge_by,
    answered: raw.answered === 1,
  }
}
