import type { Tx } from '../vault.ts'

/** `asked`: this device asked for a message again; `answered`: it sent one again. */
export type RetryDirection = 'asked' | 'answered'

/** Names a message by its sending: the device on the other side and the reference of the ciphertext. */
export interface RetryKey {
  readonly direction: RetryDirection
  readonly accountId: string
  readonly deviceId: number
  readonly reference: number
}

export const pruneQuery = 'DELETE FROM retry_request WHERE last_at < ?'

/**
 * Counts one more and answers how many there were with it. For `answered` only once the log holds what is asked for:
 * anybody may invent references, and each makes a row.
 */
export function noteRetry(tx: Tx, key: RetryKey, now: number): number {
  const names = [key.direction, key.accountId, key.deviceId, key.reference]
  tx.run(
    `INSERT INTO retry_request (direction, account_id, device_id, reference, count, last_at) VALUES (?, ?, ?, ?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at`,
    [...names, now],
  )
  const row = tx.get<{ count: number }>(
    'SELECT count FROM retry_request WHERE direction = ? AND account_id = ? AND device_id = ? AND reference = ?',
    names,
  )
  return row?.count ?? 0
}

/** Forgets counts whose last request was before this moment, ms. */
export function pruneRetries(tx: Tx, before: number): void {
  tx.run(pruneQuery, [before])
}
