import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'
import { readMessage } from './messages.ts'

/** What a message said at one time. */
export interface MessageVersion {
  /** Of the content that said it; the message's own id for its first version. */
  readonly editId: Bytes
  /** ms since the epoch, by the author's clock. */
  readonly sentAt: number
  readonly text: string
  /** Encoded content; null for messages of older vaults. */
  readonly body: Bytes | null
}

export const newestEdit = `SELECT edit_id FROM message_edit WHERE message_position = ? AND edit_id <> ?
  ORDER BY sent_at DESC, edit_id DESC LIMIT 1`

export const edits = `SELECT edit_id, sent_at, text, body FROM message_edit WHERE message_position = ?
  ORDER BY edit_id <> ?, sent_at, edit_id`

/**
 * Takes an edit into the history. Of several the one with the latest `sentAt` is shown, in whatever order they come;
 * an edit stands above the first version whatever its time. True when it is shown now; a message that was taken back
 * stays so.
 */
export function writeVersion(tx: Tx, position: number, version: MessageVersion): boolean {
  const message = readMessage(tx, position)
  if (message === null || message.deletedAt !== null) return false
  const { messageId, sentAt, text, body } = message
  if (message.editedAt === null) insertVersion(tx, position, { editId: messageId, sentAt, text, body })
  if (!insertVersion(tx, position, version)) return false
  const newest = tx.get<{ edit_id: Bytes }>(newestEdit, [position, messageId])
  if (newest === null || !Buffer.from(version.editId).equals(newest.edit_id)) return false
  tx.run('UPDATE message SET text = ?, body = ?, edited_at = ? WHERE position = ?', [
    version.text,
    version.body,
    version.sentAt,
    position,
  ])
  return true
}

/** Every version, the first one first; empty for a message that was never edited. */
export function readEdits(sql: Sql, position: number): MessageVersion[] {
  const message = readMessage(sql, position)
  if (message === null) return []
  return sql
    .all<{ edit_id: Bytes; sent_at: number; text: string; body: Bytes | null } & Record<string, SqlValue>>(
      edits,
      [position, message.messageId],
    )
    .map((raw) => ({ editId: raw.edit_id, sentAt: raw.sent_at, text: raw.text, body: raw.body }))
}

/**
 * Leaves the mark of a message that its author took back. Of several takings-back the earliest stands; true when it is
 * this one.
 */
export function setDeleted(tx: Tx, position: number, deletedAt: number): boolean {
  const message = readMessage(tx, position)
  if (message === null || (message.deletedAt ?? Infinity) <= deletedAt) return false
  tx.run(
    `UPDATE message SET text = '', body = NULL, raw = NULL, edited_at = NULL, deleted_at = ? WHERE position = ?`,
    [deletedAt, position],
  )
  tx.run('DELETE FROM message_edit WHERE message_position = ?', [position])
  tx.run('DELETE FROM resend WHERE message_id = ?', [message.messageId])
  tx.run('DELETE FROM reaction WHERE message_author = ? AND message_id = ?', [
    message.authorId,
    message.messageId,
  ])
  return true
}

function insertVersion(tx: Tx, position: number, version: MessageVersion): boolean {
  const { changes } = tx.run(
    `INSERT INTO message_edit (message_position, edit_id, sent_at, text, body) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    [position, version.editId, version.sentAt, version.text, version.body],
  )
  return changes === 1
}
