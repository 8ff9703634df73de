import { copyBytes } from '../../base/bytes.ts'
import { uuidBytes } from './accountRows.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { DeviceStore } from './store.ts'

interface DeviceRow {
  readonly id: number
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly identity_key: Uint8Array
}

export function sqliteDevices(db: SqliteDatabase): DeviceStore {
  const byId = db.prepare<[Uint8Array, number], DeviceRow>(
    `SELECT d.id, d.registration_id, d.device_key, a.identity_key FROM devices d JOIN accounts a ON a.id = d.account
     WHERE a.account_id = ? AND d.device_id = ?`,
  )
  return {
    find: async (accountId, deviceId) => {
      const row = orUnavailable(() => byId.get(uuidBytes(accountId), deviceId))
      if (row === undefined) return null
      return {
        device: row.id,
        accountId,
        deviceId,
        registrationId: row.registration_id,
        deviceKey: copyBytes(row.device_key),
        identityKey: copyBytes(row.identity_key),
      }
    },
  }
}
