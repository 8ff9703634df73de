import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'
import type { MessageRef } from './messages.ts'

/** A person has taken a message into account; may be here before the message is. It cannot be taken back. */
export interface AcknowledgementRow {
  readonly message: MessageRef
  readonly personId: string
  /** ms since the epoch, by the person's clock. */
  readonly acknowledgedAt: number
  readonly changeId: Bytes
}

export const acknowledgementsOf = `SELECT person_id, acknowledged_at, change_id FROM acknowledgement
  WHERE message_author = ? AND message_id = ?`

/** The earliest of a person stands, in whatever order they come; true when it is this one. */
export function writeAcknowledgement(tx: Tx, acknowledgement: AcknowledgementRow): boolean {
  const { changes } = tx.run(
    `INSERT INTO acknowledgement (message_author, message_id, person_id, acknowledged_at, change_id)
     VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET acknowledged_at = excluded.acknowledged_at, change_id = excluded.change_id
       WHERE (acknowledged_at, change_id) > (excluded.acknowledged_at, excluded.change_id)`,
    [
      acknowledgement.message.authorId,
      acknowledgement.message.messageId,
      acknowledgement.personId,
      acknowledgement.acknowledgedAt,
      acknowledgement.changeId,
    ],
  )
  return changes === 1
}

/** By person. */
export function readAcknowledgements(sql: Sql, message: MessageRef): AcknowledgementRow[] {
  return sql
    .all<{ person_id: string; acknowledged_at: number; change_id: Bytes }>(acknowledgementsOf, [
      message.authorId,
      message.messageId,
    ])
    .map((raw) => ({
      message,
      personId: raw.person_id,
      acknowledgedAt: raw.acknowledged_at,
      changeId: raw.change_id,
    }))
}
