import { copyBytes, sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { devicesAtMost, type AccountRole } from '../accounts/standing.ts'
import { uuidBytes } from './accountRows.ts'
import type { AddOutcome, DeviceList, DeviceRecord, DeviceStore, NewDevice } from './deviceStore.ts'
import { noteAccount, noteEnded } from './sqliteChanges.ts'
import { tokenOfNobody } from './generationActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { KeyWriter } from './sqliteKeys.ts'

interface DeviceRow {
  readonly id: number
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly identity_key: Uint8Array
  readonly frozen: number
  readonly adopted: number
  readonly role: AccountRole
  readonly disabled_at: number | null
  readonly expires_at: number | null
}

interface AccountStateRow {
  readonly id: number
  readonly identity_key: Uint8Array
  readonly devices_revision: number
  readonly highest_device_id: number
  readonly role: AccountRole
  readonly disabled_at: number | null
}

interface ListedRow {
  readonly device_id: number
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly attestation: Uint8Array
  readonly sealed_name: Uint8Array
  readonly created_at: number
  readonly last_seen_day: number
}

export function sqliteDevices(db: SqliteDatabase, writeKeys: KeyWriter): DeviceStore {
  const find = finder(db)
  const accountState = accountReader(db)
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  const listed = db.prepare<[number], ListedRow>(
    `SELECT device_id, registration_id, device_key, attestation, sealed_name, created_at, last_seen_day
     FROM devices WHERE account = ? ORDER BY device_id`,
  )
  const name = db.prepare<[Bytes, number], { account: number }>(
    'UPDATE devices SET sealed_name = ? WHERE id = ? RETURNING account',
  )
  const release = db.prepare<[Bytes, number]>(
    `UPDATE devices SET frozen = 0, generation_last = ?, generation_holder = NULL, generation_stopped = 0,
            generation_pending = NULL, generation_pending_holder = NULL WHERE id = ?`,
  )
  return {
    find: async (accountId, deviceId) => orUnavailable(() => find(accountId, deviceId)),
    list: async (accountId) =>
      inTransaction(() => {
        const account = accountState(accountId)
        return account === undefined ? null : listOf(account, listed.all(account.id))
      }),
    add: async (device) => inTransaction(() => add(db, accountState(device.accountId), device, writeKeys)),
    remove: async (accountId, deviceId) =>
      inTransaction(() => {
        const account = accountState(accountId)
        const device = account === undefined ? null : removeDevice(db, account.id, deviceId)
        return account === undefined || device === null ? null : { device, revision: bump(db, account.id) }
      }),
    name: async (device, sealedName) =>
      inTransaction(() => {
        const row = name.get(sealedName, device)
        if (row === undefined) throw new CodedError('relay.deviceGone')
        return bump(db, row.account)
      }),
    release: async (accountId, deviceId) =>
      inTransaction(() => {
        const device = find(accountId, deviceId)
        return device !== null && release.run(tokenOfNobody(), device.device).changes > 0
      }),
  }
}

function finder(db: SqliteDatabase): (accountId: string, deviceId: number) => DeviceRecord | null {
  const byId = db.prepare<[Uint8Array, number], DeviceRow>(
    `SELECT d.id, d.registration_id, d.device_key, d.frozen, a.identity_key, k.device IS NOT NULL AS adopted,
            a.role, a.disabled_at, a.expires_at
     FROM devices d JOIN accounts a ON a.id = d.account LEFT JOIN device_keys k ON k.device = d.id
     WHERE a.account_id = ? AND d.device_id = ?`,
  )
  return (accountId, deviceId) => {
    const row = byId.get(uuidBytes(accountId), deviceId)
    if (row === undefined) return null
    return {
      device: row.id,
      accountId,
      deviceId,
      registrationId: row.registration_id,
      deviceKey: copyBytes(row.device_key),
      identityKey: copyBytes(row.identity_key),
      adopted: row.adopted !== 0,
      frozen: row.frozen !== 0,
      standing: {
        role: row.role,
        disabled: row.disabled_at !== null,
        expiresAt: row.expires_at,
      },
    }
  }
}

function accountReader(db: SqliteDatabase): (accountId: string) => AccountStateRow | undefined {
  const statement = db.prepare<[Uint8Array], AccountStateRow>(
    `SELECT id, identity_key, devices_revision, highest_device_id, role, disabled_at FROM accounts
     WHERE account_id = ? AND enrolled_at IS NOT NULL`,
  )
  return (accountId) => statement.get(uuidBytes(accountId))
}

function listOf(account: AccountStateRow, rows: readonly ListedRow[]): DeviceList {
  return {
    revision: account.devices_revision,
    identityKey: copyBytes(account.identity_key),
    highestDeviceId: account.highest_device_id,
    devices: rows.map((row) => ({
      deviceId: row.device_id,
      registrationId: row.registration_id,
      deviceKey: copyBytes(row.device_key),
      attestation: copyBytes(row.attestation),
      sealedName: copyBytes(row.sealed_name),
      addedAt: row.created_at,
      lastSeenDay: row.last_seen_day,
    })),
  }
}

function add(
  db: SqliteDatabase,
  account: AccountStateRow | undefined,
  device: NewDevice,
  writeKeys: KeyWriter,
): AddOutcome {
  if (account === undefined || account.disabled_at !== null) return { kind: 'unknown' }
  if (!sameBytes(account.identity_key, device.identityKey)) return { kind: 'unknown' }
  const by = db.prepare<[number, number]>('SELECT 1 FROM devices WHERE id = ? AND account = ? AND frozen = 0')
  if (by.get(device.by, account.id) === undefined) return { kind: 'unknown' }
  const taken = db.prepare<[number], { device_id: number }>('SELECT device_id FROM devices WHERE account = ?')
  const ids = taken.all(account.id).map((row) => row.device_id)
  if (ids.includes(device.deviceId)) return { kind: 'taken' }
  if (ids.length >= devicesAtMost(account.role)) return { kind: 'limit' }
  insertDevice(db, account.id, device, writeKeys)
  return { kind: 'added', revision: bump(db, account.id) }
}

/** Within the caller's transaction. */
export function insertDevice(
  db: SqliteDatabase,
  account: number | bigint,
  device: Omit<NewDevice, 'accountId' | 'identityKey' | 'by'>,
  writeKeys: KeyWriter,
): void {
  const next = db.prepare<[], { last: number }>('UPDATE device_numbers SET last = last + 1 RETURNING last')
  const number = next.get()?.last
  if (number === undefined) throw new CodedError('internal')
  db.prepare(
    `INSERT INTO devices (id, account, device_id, registration_id, device_key, created_at, attestation, sealed_name)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    number,
    account,
    device.deviceId,
    device.registrationId,
    device.deviceKey,
    device.now,
    device.attestation,
    device.sealedName,
  )
  db.prepare('UPDATE accounts SET highest_device_id = max(highest_device_id, ?) WHERE id = ?').run(
    device.deviceId,
    account,
  )
  writeKeys(number, device.keys)
}

/** Within the caller's transaction; queue and keys go with it. Null: there is no such device. */
export function removeDevice(db: SqliteDatabase, account: number, deviceId: number): number | null {
  const statement = db.prepare<[number, number], { id: number }>(
    'DELETE FROM devices WHERE account = ? AND device_id = ? RETURNING id',
  )
  const device = statement.get(account, deviceId)?.id ?? null
  if (device !== null) noteEnded(db, device)
  return device
}

/** The same for all devices of an account; the store's numbers. */
export function removeDevices(db: SqliteDatabase, account: number): readonly number[] {
  const removed = db
    .prepare<[number], { id: number }>('DELETE FROM devices WHERE account = ? RETURNING id')
    .all(account)
  for (const { id } of removed) noteEnded(db, id)
  return removed.map(({ id }) => id)
}

/** Within the caller's transaction: the devices of this account, or its identity key, are others now. */
export function bump(db: SqliteDatabase, account: number): number {
  const statement = db.prepare<[number], { revision: number }>(
    'UPDATE accounts SET devices_revision = devices_revision + 1 WHERE id = ? RETURNING devices_revision AS revision',
  )
  const revision = statement.get(account)?.revision ?? 0
  noteAccount(db, account, 'devicesChanged', revision)
  return revision
}
