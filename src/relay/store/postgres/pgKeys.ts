import { copyBytes, sameBytes } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import { limits } from '../../../wire/limits.ts'
import type { Authorisation, BundleOutcome, KeyCount, KeySet, KeyStore, PreKey, SignedKey } from '../store.ts'
import { bundleOf, type DeviceKeysRow, type OneTimeKyberRow, type OneTimeRow } from '../bundleRows.ts'
import { lockAccount, lockOwner } from './pgAccess.ts'
import type { Database, Transaction } from './database.ts'
import { findSpent, spend } from './pgPermits.ts'
import { list, statement } from './statement.ts'

const tables = ['one_time_pre_keys', 'one_time_kyber_pre_keys'] as const

const setBoth = statement(
  `INSERT INTO device_keys VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (device) DO UPDATE
   SET signed_id = $2, signed_key = $3, signed_signature = $4, kyber_id = $5, kyber_key = $6, kyber_signature = $7`,
)
const setSigned = statement<{ readonly device: number }>(
  `UPDATE device_keys SET signed_id = $2, signed_key = $3, signed_signature = $4 WHERE device = $1 RETURNING device`,
)
const setKyber = statement(
  'UPDATE device_keys SET kyber_id = $2, kyber_key = $3, kyber_signature = $4 WHERE device = $1',
)
/** A key that comes again under a known id takes its place, as the newest. */
const addPre = statement(
  `INSERT INTO one_time_pre_keys (device, key_id, public_key)
   SELECT $1, k, p FROM unnest($2::bigint[], $3::bytea[]) WITH ORDINALITY AS u (k, p, n) ORDER BY n
   ON CONFLICT (device, key_id) DO UPDATE SET id = DEFAULT, public_key = excluded.public_key`,
)
const addKyber = statement(
  `INSERT INTO one_time_kyber_pre_keys (device, key_id, public_key, signature)
   SELECT $1, k, p, s FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS u (k, p, s, n) ORDER BY n
   ON CONFLICT (device, key_id) DO UPDATE
   SET id = DEFAULT, public_key = excluded.public_key, signature = excluded.signature`,
)
const drops = tables.map((table) => statement(`DELETE FROM ${table} WHERE device = $1`))
const dropDeviceKeys = statement('DELETE FROM device_keys WHERE device = $1')
const trims = tables.map((table) =>
  statement(
    `DELETE FROM ${table} WHERE device = $1 AND id <=
     (SELECT id FROM ${table} WHERE device = $1 ORDER BY id DESC OFFSET ${limits.oneTimePreKeysKept} LIMIT 1)`,
  ),
)
const countKeys = statement<KeyCount>(
  `SELECT (SELECT count(*) FROM one_time_pre_keys WHERE device = $1) AS "oneTimePreKeys",
          (SELECT count(*) FROM one_time_kyber_pre_keys WHERE device = $1) AS "oneTimeKyberPreKeys"`,
)
const isAdopted = statement<{ readonly device: number }>('SELECT device FROM device_keys WHERE device = $1')
const keysOf = statement<DeviceKeysRow>(
  `SELECT d.id AS device, d.device_id, d.registration_id, d.device_key, d.attestation, k.signed_id, k.signed_key,
          k.signed_signature, k.kyber_id, k.kyber_key, k.kyber_signature
   FROM devices d JOIN device_keys k ON k.device = d.id WHERE d.account = $1 AND d.id <> $2 ORDER BY d.device_id`,
)
const [takePre, takeKyber] = [
  statement<OneTimeRow & { readonly device: number }>(taking('one_time_pre_keys', 'key_id, public_key')),
  statement<OneTimeKyberRow & { readonly device: number }>(
    taking('one_time_kyber_pre_keys', 'key_id, public_key, signature'),
  ),
]

/** The oldest key of each device. */
function taking(table: string, columns: string): string {
  return `DELETE FROM ${table} t USING unnest($1::bigint[]) AS u (device) WHERE t.device = u.device
          AND t.id = (SELECT min(id) FROM ${table} WHERE device = u.device) RETURNING t.device, ${columns}`
}

export function pgKeys(db: Database): KeyStore {
  return {
    upload: async (device, identityKey, keys) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockOwner, device)
        const current = account?.identity_key ?? null
        const [adopted] = await tx.rows(isAdopted, device)
        if (current === null || adopted === undefined || !sameBytes(current, identityKey))
          throw new CodedError('identity.superseded')
        await writeKeys(tx, device, keys)
        return countOf(await tx.rows(countKeys, device))
      }),
    count: async (device) => countOf(await db.rows(countKeys, device)),
    takeBundle: async (accountId, by, now, spared = false) =>
      db.atomically(async (tx) => take(tx, accountId, by, now, spared)),
  }
}

function countOf([row]: readonly KeyCount[]): KeyCount {
  return row ?? { oneTimePreKeys: 0, oneTimeKyberPreKeys: 0 }
}

/** Within a transaction that has locked the account. */
export async function writeKeys(tx: Transaction, device: number, keys: KeySet): Promise<void> {
  const { signedPreKey: signed, lastResortKyberPreKey: kyber } = keys
  if (signed !== null && kyber !== null) tx.send(setBoth, device, ...values(signed), ...values(kyber))
  else if (kyber !== null) tx.send(setKyber, device, ...values(kyber))
  else if (signed !== null && (await tx.rows(setSigned, device, ...values(signed))).length === 0) {
    // The first keys of a device come with its enrolment, its link or a new identity key, which bring both.
    throw new CodedError('keys.malformed')
  }
  if (keys.replaceOneTime) for (const drop of drops) tx.send(drop, device)
  const pre = newestOf(keys.oneTimePreKeys)
  if (pre.length > 0) tx.send(addPre, device, idsOf(pre), publicKeysOf(pre))
  const kybers = newestOf(keys.oneTimeKyberPreKeys)
  if (kybers.length > 0) {
    const signatures = kybers.map(({ signature }) => signature)
    tx.send(addKyber, device, idsOf(kybers), publicKeysOf(kybers), signatures)
  }
  for (const trim of trims) tx.send(trim, device)
}

/** Within a transaction that has locked the account: the device is not adopted any more. */
export function dropKeys(tx: Transaction, device: number): void {
  for (const drop of [dropDeviceKeys, ...drops]) tx.send(drop, device)
}

/** The last of each id: one statement cannot write a row twice. */
function newestOf<Key extends PreKey>(keys: readonly Key[]): readonly Key[] {
  return [...new Map(keys.map((key) => [key.keyId, key])).values()]
}

function idsOf(keys: readonly PreKey[]): string {
  return list(keys.map(({ keyId }) => keyId))
}

function publicKeysOf(keys: readonly PreKey[]): readonly Uint8Array[] {
  return keys.map(({ publicKey }) => publicKey)
}

function values(key: SignedKey): [number, Uint8Array, Uint8Array] {
  return [key.keyId, key.publicKey, key.signature]
}

async function take(
  tx: Transaction,
  accountId: string,
  by: Authorisation,
  now: number,
  spared: boolean,
): Promise<BundleOutcome> {
  const [account] = await tx.rows(lockAccount, accountId)
  if (by.kind === 'accessKey') {
    const hash = account?.enrolled === true ? account.access_key_hash : null
    if (hash === null || !sameBytes(hash, by.hash)) return { kind: 'denied' }
  }
  const identityKey = account?.identity_key ?? null
  if (account?.enrolled !== true || identityKey === null) return { kind: 'unknownRecipient' }
  if (by.kind === 'permit') {
    if ((await findSpent(tx, [by.permit])).size > 0) return { kind: 'permitSpent' }
    spend(tx, [{ permit: by.permit, putHash: null }], now)
  }
  const devices = await tx.rows(keysOf, account.id, by.kind === 'own' ? by.except : 0)
  const numbers = list(spared ? [] : devices.map(({ device }) => device))
  const [pre, kyber] = await Promise.all([tx.rows(takePre, numbers), tx.rows(takeKyber, numbers)])
  const bundles = devices.map((one) =>
    bundleOf(
      one,
      pre.find(({ device }) => device === one.device),
      kyber.find(({ device }) => device === one.device),
    ),
  )
  return { kind: 'taken', bundle: { identityKey: copyBytes(identityKey), devices: bundles } }
}
