import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A device of another account, as first seen. */
export interface PeerDevice {
  readonly accountId: string
  readonly deviceId: number
  /** Ed25519 public key: tells a device from a later one with its device id. */
  readonly deviceKey: Bytes
}

/** True when it is new and the account had a device before: its contacts are told of one more. */
export function rememberPeerDevice(tx: Tx, device: PeerDevice, now: number): boolean {
  const known = readPeerDevices(tx, device.accountId).length > 0
  const { changes } = tx.run(
    `INSERT INTO peer_device (account_id, device_id, device_key, first_seen_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET device_key = excluded.device_key, first_seen_at = excluded.first_seen_at
       WHERE device_key <> excluded.device_key`,
    [device.accountId, device.deviceId, device.deviceKey, now],
  )
  return changes === 1 && known
}

/** By device id. */
export function readPeerDevices(sql: Sql, accountId: string): PeerDevice[] {
  return sql
    .all<{ device_id: number; device_key: Bytes }>(
      'SELECT device_id, device_key FROM peer_device WHERE account_id = ? ORDER BY device_id',
      [accountId],
    )
    .map((raw) => ({ accountId, deviceId: raw.device_id, deviceKey: raw.device_key }))
}

export function removePeerDevices(tx: Tx, accountId: string, deviceIds: readonly number[]): void {
  for (const deviceId of deviceIds) {
    tx.run('DELETE FROM peer_device WHERE account_id = ? AND device_id = ?', [accountId, deviceId])
  }
}
