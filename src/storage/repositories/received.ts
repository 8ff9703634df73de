import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** Dedupe key of a message: its author, the device that wrote it, its id. */
export interface ReceivedKey {
  readonly accountId: string
  readonly deviceId: number
  readonly messageId: Bytes
}

/**
 * True when this message was taken in before: it is there, or it was and its key was kept. libsignal's own answer to a
 * repeated message is no proof of receipt, for it forgets keys (libsignal.md 4.10).
 */
export function wasReceived(sql: Sql, { accountId, deviceId, messageId }: ReceivedKey): boolean {
  return sql.get(receivedQuery, [messageId, accountId, deviceId, accountId, deviceId, messageId]) !== null
}

export const receivedQuery = `
  SELECT 1 AS known FROM message WHERE message_id = ? AND author_id = ? AND author_device = ?
  UNION ALL SELECT 1 FROM received WHERE account_id = ? AND device_id = ? AND message_id = ? LIMIT 1`

/**
 * Keeps the key of a message that is not kept itself, or not any more. While it is there its own row says the same, and a
 * key beside it would cost each message a page of a random tree. False when it was kept before.
 */
export function rememberReceived(tx: Tx, key: ReceivedKey, receivedAt: number): boolean {
  const { changes } = tx.run(
    'INSERT INTO received (account_id, device_id, message_id, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [key.accountId, key.deviceId, key.messageId, receivedAt],
  )
  return changes === 1
}

/**
 * Which of these envelopes (ids in hex) were taken in before, decrypted or quarantined: the relay delivers at least once.
 */
export function envelopesSeen(sql: Sql, envelopeIds: readonly string[]): ReadonlySet<string> {
  const rows = sql.all<{ id: string }>(envelopesSeenQuery, [JSON.stringify(envelopeIds)])
  return new Set(rows.map(({ id }) => id))
}

export const envelopesSeenQuery = `
  SELECT lower(hex(envelope_id)) AS id FROM received_envelope
  WHERE envelope_id IN (SELECT unhex(value) FROM json_each(?))`

export function rememberEnvelope(tx: Tx, envelopeId: Bytes, receivedAt: number): void {
  tx.run('INSERT INTO received_envelope (envelope_id, received_at) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    envelopeId,
    receivedAt,
  ])
}
