import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/**
 * Dedupe keys of everything taken in, by (author, device, message id). libsignal's own answer to a repeated
 * message is no proof of receipt, for it forgets keys (libsignal.md 4.10). False when it was there before.
 */
export function rememberReceived(
  tx: Tx,
  key: { readonly accountId: string; readonly deviceId: number; readonly messageId: Bytes },
  receivedAt: number,
): boolean {
  const { changes } = tx.run(
    'INSERT INTO received (account_id, device_id, message_id, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [key.accountId, key.deviceId, key.messageId, receivedAt],
  )
  return changes === 1
}

/** True when this envelope was taken in before, decrypted or quarantined: the relay delivers at least once. */
export function envelopeSeen(sql: Sql, envelopeId: Bytes): boolean {
  return sql.get('SELECT 1 AS seen FROM received_envelope WHERE envelope_id = ?', [envelopeId]) !== null
}

export function rememberEnvelope(tx: Tx, envelopeId: Bytes, receivedAt: number): void {
  tx.run('INSERT INTO received_envelope (envelope_id, received_at) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    envelopeId,
    receivedAt,
  ])
}
