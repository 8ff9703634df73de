import { copyBytes, sameBytes } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import { devicesAtMost, type AccountRole } from '../../accounts/standing.ts'
import type {
  AddOutcome,
  DeviceList,
  DeviceRecord,
  DeviceStore,
  NewDevice,
  RemovedDevice,
} from '../deviceStore.ts'
import { tokenOfNobody } from '../generationActs.ts'
import { lockAccount, lockOwner, type LockedAccount } from './pgAccess.ts'
import { noteAccount, noteEnded } from './pgChanges.ts'
import type { Database, Transaction } from './database.ts'
import { writeKeys } from './pgKeys.ts'
import { list, statement } from './statement.ts'

interface DeviceRow {
  readonly id: number
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly identity_key: Uint8Array
  readonly frozen: boolean
  readonly adopted: boolean
  readonly role: AccountRole
  readonly disabled: boolean
  readonly expires_at: number | null
}

interface ListRow {
  readonly revision: number
  readonly identity_key: Uint8Array
  readonly highest_device_id: number
  /** Null for an account without devices, as is all that follows. */
  readonly device_id: number | null
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly attestation: Uint8Array
  readonly sealed_name: Uint8Array
  readonly created_at: number
  readonly last_seen_day: number
}

const findDevice = statement<DeviceRow>(
  `SELECT d.id, d.registration_id, d.device_key, d.frozen, a.identity_key, k.device IS NOT NULL AS adopted,
          a.role, a.disabled_at IS NOT NULL AS disabled, a.expires_at
   FROM devices d JOIN accounts a ON a.id = d.account LEFT JOIN device_keys k ON k.device = d.id
   WHERE a.account_id = $1 AND d.device_id = $2`,
)
/** One statement, so that the revision fits the devices. */
const listDevices = statement<ListRow>(
  `SELECT a.devices_revision AS revision, a.identity_key, a.highest_device_id, d.device_id, d.registration_id,
          d.device_key, d.attestation, d.sealed_name, d.created_at, d.last_seen_day
   FROM accounts a LEFT JOIN devices d ON d.account = a.id
   WHERE a.account_id = $1 AND a.enrolled_at IS NOT NULL ORDER BY d.device_id`,
)
const takenIds = statement<{ readonly device_id: number }>('SELECT device_id FROM devices WHERE account = $1')
const numberOf = statement<{ readonly id: number }>(
  'SELECT id FROM devices WHERE account = $1 AND device_id = $2',
)
const setName = statement('UPDATE devices SET sealed_name = $1 WHERE id = $2')
const isThere = statement('SELECT 1 FROM devices WHERE id = $1')
const mayBring = statement('SELECT 1 FROM devices WHERE id = $1 AND account = $2 AND NOT frozen')
const raiseRevision = statement<{ readonly revision: number }>(
  'UPDATE accounts SET devices_revision = devices_revision + 1 WHERE id = $1 RETURNING devices_revision AS revision',
)
const numbersOf = statement<{ readonly id: number }>('SELECT id FROM devices WHERE account = $1 ORDER BY id')
const releaseDevice = statement<{ readonly id: number }>(
  `UPDATE devices SET frozen = false, generation_last = $1, generation_holder = NULL, generation_stopped = false,
          generation_pending = NULL, generation_pending_holder = NULL
   WHERE account = $2 AND device_id = $3 RETURNING id`,
)
const addDevice = statement<{ readonly id: number }>(
  `INSERT INTO devices (account, device_id, registration_id, device_key, created_at, attestation, sealed_name)
   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
)
const addMailbox = statement('INSERT INTO mailboxes (device) VALUES ($1)')
const raiseHighest = statement(
  'UPDATE accounts SET highest_device_id = greatest(highest_device_id, $1::int) WHERE id = $2',
)
const dropQueues = statement(
  `DELETE FROM queue q USING devices d JOIN accounts a ON a.id = d.account
   WHERE d.id = ANY ($1::bigint[]) AND q.shard = a.shard AND q.device = d.id`,
)
const dropDevices = statement('DELETE FROM devices WHERE id = ANY ($1::bigint[])')

export function pgDevices(db: Database): DeviceStore {
  return {
    find: async (accountId, deviceId) => {
      const [row] = await db.rows(findDevice, accountId, deviceId)
      return row === undefined ? null : recordOf(accountId, deviceId, row)
    },
    list: async (accountId) => listOf(await db.rows(listDevices, accountId)),
    add: async (device) => db.atomically(async (tx) => add(tx, device)),
    remove: async (accountId, deviceId) => db.atomically(async (tx) => remove(tx, accountId, deviceId)),
    name: async (device, sealedName) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockOwner, device)
        const there = await tx.rows(isThere, device)
        if (account === undefined || there.length === 0) throw new CodedError('relay.deviceGone')
        tx.send(setName, sealedName, device)
        return bumped(tx, account.id)
      }),
    release: async (accountId, deviceId) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockAccount, accountId)
        if (account === undefined) return false
        return (await tx.rows(releaseDevice, tokenOfNobody(), account.id, deviceId)).length > 0
      }),
  }
}

function recordOf(accountId: string, deviceId: number, row: DeviceRow): DeviceRecord {
  return {
    device: row.id,
    accountId,
    deviceId,
    registrationId: row.registration_id,
    deviceKey: copyBytes(row.device_key),
    identityKey: copyBytes(row.identity_key),
    adopted: row.adopted,
    frozen: row.frozen,
    standing: {
      role: row.role,
      disabled: row.disabled,
      expiresAt: row.expires_at,
    },
  }
}

function listOf(rows: readonly ListRow[]): DeviceList | null {
  const [first] = rows
  if (first === undefined) return null
  return {
    revision: first.revision,
    identityKey: copyBytes(first.identity_key),
    highestDeviceId: first.highest_device_id,
    devices: rows.flatMap((row) =>
      row.device_id === null
        ? []
        : [
            {
              deviceId: row.device_id,
              registrationId: row.registration_id,
              deviceKey: copyBytes(row.device_key),
              attestation: copyBytes(row.attestation),
              sealedName: copyBytes(row.sealed_name),
              addedAt: row.created_at,
              lastSeenDay: row.last_seen_day,
            },
          ],
    ),
  }
}

/** An enrolled account, locked. */
async function enrolled(tx: Transaction, accountId: string): Promise<LockedAccount | null> {
  const [account] = await tx.rows(lockAccount, accountId)
  return account?.enrolled === true ? account : null
}

async function add(tx: Transaction, device: NewDevice): Promise<AddOutcome> {
  const account = await enrolled(tx, device.accountId)
  const identityKey = account?.identity_key ?? null
  if (account === null || account.disabled || identityKey === null) return { kind: 'unknown' }
  if (!sameBytes(identityKey, device.identityKey)) return { kind: 'unknown' }
  if ((await tx.rows(mayBring, device.by, account.id)).length === 0) return { kind: 'unknown' }
  const ids = (await tx.rows(takenIds, account.id)).map((row) => row.device_id)
  if (ids.includes(device.deviceId)) return { kind: 'taken' }
  if (ids.length >= devicesAtMost(account.role)) return { kind: 'limit' }
  await insertDevice(tx, account.id, device)
  return { kind: 'added', revision: await bumped(tx, account.id) }
}

async function remove(tx: Transaction, accountId: string, deviceId: number): Promise<RemovedDevice | null> {
  const account = await enrolled(tx, accountId)
  const device = account === null ? null : await removeDevice(tx, account.id, deviceId)
  return account === null || device === null ? null : { device, revision: await bumped(tx, account.id) }
}

/** Within a transaction that has locked the account; nothing of the device remains. Null: there is no such device. */
export async function removeDevice(
  tx: Transaction,
  account: number,
  deviceId: number,
): Promise<number | null> {
  const [device] = await tx.rows(numberOf, account, deviceId)
  if (device === undefined) return null
  await removeDevices(tx, [device.id])
  return device.id
}

/** The same for all devices of an account; the store's numbers. */
export async function removeAllDevices(tx: Transaction, account: number): Promise<readonly number[]> {
  const devices = (await tx.rows(numbersOf, account)).map(({ id }) => id)
  await removeDevices(tx, devices)
  return devices
}

/** Within a transaction that has locked the account. */
export async function insertDevice(
  tx: Transaction,
  account: number,
  device: Omit<NewDevice, 'accountId' | 'identityKey' | 'by'>,
): Promise<void> {
  const { deviceId, registrationId, deviceKey, now, attestation, sealedName } = device
  const values = [account, deviceId, registrationId, deviceKey, now, attestation, sealedName] as const
  const [row] = await tx.rows(addDevice, ...values)
  if (row === undefined) throw new CodedError('internal')
  tx.send(addMailbox, row.id)
  tx.send(raiseHighest, deviceId, account)
  await writeKeys(tx, row.id, device.keys)
}

/** Within a transaction that has locked the account: nothing of theirs remains. */
export async function removeDevices(tx: Transaction, devices: readonly number[]): Promise<void> {
  if (devices.length === 0) return
  const numbers = list(devices)
  await Promise.all([tx.rows(dropQueues, numbers), tx.rows(dropDevices, numbers)])
  for (const device of devices) noteEnded(tx, device)
}

/** Within a transaction that has locked the account: its devices, or its identity key, are others now. */
export async function bumped(tx: Transaction, account: number): Promise<number> {
  const [row] = await tx.rows(raiseRevision, account)
  const revision = row?.revision ?? 0
  noteAccount(tx, account, 'devicesChanged', revision)
  return revision
}
