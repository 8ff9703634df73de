import { sameBytes, type Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A device of this account as the relay lists it, this one included. Times are ms since the epoch. */
export interface OwnDevice {
  readonly deviceId: number
  readonly registrationId: number
  /** Ed25519 public key. */
  readonly deviceKey: Bytes
  readonly name: string
  readonly addedAt: number
  /** The start of the day (UTC) on which the relay last saw it; null when never. */
  readonly lastSeenDay: number | null
}

export interface RemovedOwnDevice extends OwnDevice {
  readonly removedAt: number
}

export interface DeviceDifference {
  readonly added: readonly OwnDevice[]
  readonly removed: readonly OwnDevice[]
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  device_id: number
  registration_id: number
  device_key: Bytes
  name: string
  added_at: number
  last_seen_day: number | null
  removed_at: number | null
}

/** The devices in use, by device id. */
export function readOwnDevices(sql: Sql): OwnDevice[] {
  return sql.all<Raw>('SELECT * FROM own_device WHERE removed_at IS NULL ORDER BY device_id').map(fromRaw)
}

/** Those that were removed and whose device id nobody has taken since. */
export function readRemovedOwnDevices(sql: Sql): RemovedOwnDevice[] {
  return sql
    .all<Raw>('SELECT * FROM own_device WHERE removed_at IS NOT NULL ORDER BY device_id')
    .map((raw) => ({ ...fromRaw(raw), removedAt: raw.removed_at ?? 0 }))
}

/**
 * Takes the relay's list over. A device id with another device key is another device: the old one is removed, the new
 * one added. The first list of all adds every device.
 */
export function replaceOwnDevices(tx: Tx, list: readonly OwnDevice[], now: number): DeviceDifference {
  const before = readOwnDevices(tx)
  const added = list.filter((device) => !before.some((other) => isSame(device, other)))
  const removed = before.filter((device) => !list.some((other) => isSame(device, other)))
  for (const { deviceId } of removed)
    tx.run('UPDATE own_device SET removed_at = ? WHERE device_id = ?', [now, deviceId])
  for (const device of list) writeDevice(tx, device)
  return { added, removed }
}

function isSame(a: OwnDevice, b: OwnDevice): boolean {
  return a.deviceId === b.deviceId && sameBytes(a.deviceKey, b.deviceKey)
}

function writeDevice(tx: Tx, device: OwnDevice): void {
  tx.run(
    `INSERT OR REPLACE INTO own_device (device_id, registration_id, device_key, name, added_at, last_seen_day)
     VALUES (?, ?, ?, ?, ?, ?)`,
    [
      device.deviceId,
      device.registrationId,
      device.deviceKey,
      device.name,
      device.addedAt,
      device.lastSeenDay,
    ],
  )
}

function fromRaw(raw: Raw): OwnDevice {
  return {
    deviceId: raw.device_id,
    registrationId: raw.registration_id,
    deviceKey: raw.device_key,
    name: raw.name,
    addedAt: raw.added_at,
    lastSeenDay: raw.last_seen_day,
  }
}
