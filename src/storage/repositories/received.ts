import type { Bytes } from '../../base/bytes.ts'
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
