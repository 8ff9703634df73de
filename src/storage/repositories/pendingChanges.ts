import type { Bytes } from '../../base/bytes.ts'
import type { SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'
import type { MessageRef } from './messages.ts'

/** Changes kept of one account; the oldest go. */
export const pendingPerAccount = 1_000
const pendingMs = 31 * 24 * 3_600_000

/** A change (an edit, a deletion) that came before the message it is about. */
export interface PendingChange {
  readonly message: MessageRef
  /** Who sent it: not always who wrote the message. */
  readonly fromAccount: string
  readonly fromDevice: number
  /** Of the content. */
  readonly changeId: Bytes
  /** The encoded content. */
  readonly body: Bytes
  /** ms since the epoch. */
  readonly receivedAt: number
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  from_account: string
  from_device: number
  change_id: Bytes
  body: Bytes
  received_at: number
}

export const pendingQueries = {
  take: `SELECT from_account, from_device, change_id, body, received_at FROM pending_change
    WHERE message_id = ? AND author_id = ? ORDER BY id`,
  trim: `DELETE FROM pending_change WHERE from_account = ? AND id <=
    (SELECT id FROM pending_change WHERE from_account = ? ORDER BY id DESC LIMIT 1 OFFSET ${pendingPerAccount})`,
  age: 'DELETE FROM pending_change WHERE received_at < ?',
} as const

/** False when this change of this account is kept already. */
export function addPendingChange(tx: Tx, change: PendingChange): boolean {
  const { changes } = tx.run(
    `INSERT INTO pending_change (author_id, message_id, from_account, from_device, change_id, body, received_at)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      change.message.authorId,
      change.message.messageId,
      change.fromAccount,
      change.fromDevice,
      change.changeId,
      change.body,
      change.receivedAt,
    ],
  )
  if (changes === 1) tx.run(pendingQueries.trim, [change.fromAccount, change.fromAccount])
  return changes === 1
}

/** What waited for this message, in order of arrival; it waits no more. */
export function takePendingChanges(tx: Tx, message: MessageRef): PendingChange[] {
  const parameters = [message.messageId, message.authorId]
  const taken = tx.all<Raw>(pendingQueries.take, parameters).map((raw) => ({
    message,
    fromAccount: raw.from_account,
    fromDevice: raw.from_device,
    changeId: raw.change_id,
    body: raw.body,
    receivedAt: raw.received_at,
  }))
  if (taken.length > 0)
    tx.run('DELETE FROM pending_change WHERE message_id = ? AND author_id = ?', parameters)
  return taken
}

/** Drops what has waited for 31 days. */
export function dropOldPendingChanges(tx: Tx, now: number): void {
  tx.run(pendingQueries.age, [now - pendingMs])
}
