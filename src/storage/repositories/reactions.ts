import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'
import type { MessageRef } from './messages.ts'

/** What a person last said to a message; may be here before the message is. */
export interface ReactionRow {
  readonly message: MessageRef
  readonly personId: string
  /** ms since the epoch, by the person's clock. */
  readonly sentAt: number
  /** Of the content that said so: settles which of two of one moment stands. */
  readonly changeId: Bytes
  /** Empty together with `service` 0: taken back. Kept, so that nothing older stands again. */
  readonly emoji: string
  readonly service: number
}

export const reactionsOf = `SELECT person_id, sent_at, change_id, emoji, service FROM reaction
  WHERE message_author = ? AND message_id = ?`

/** The newest of a person stands; true when it is this one. */
export function writeReaction(tx: Tx, reaction: ReactionRow): boolean {
  const { changes } = tx.run(
    `INSERT INTO reaction (message_author, message_id, person_id, sent_at, change_id, emoji, service)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at, change_id = excluded.change_id,
       emoji = excluded.emoji, service = excluded.service
       WHERE (sent_at, change_id) < (excluded.sent_at, excluded.change_id)`,
    [
      reaction.message.authorId,
      reaction.message.messageId,
      reaction.personId,
      reaction.sentAt,
      reaction.changeId,
      reaction.emoji,
      reaction.service,
    ],
  )
  return changes === 1
}

/** Those that stand, by person. */
export function readReactions(sql: Sql, message: MessageRef): ReactionRow[] {
  return sql
    .all<{ person_id: string; sent_at: number; change_id: Bytes; emoji: string; service: number }>(
      reactionsOf,
      [message.authorId, message.messageId],
    )
    .map((raw) => ({
      message,
      personId: raw.person_id,
      sentAt: raw.sent_at,
      changeId: raw.change_id,
      emoji: raw.emoji,
      service: raw.service,
    }))
}
