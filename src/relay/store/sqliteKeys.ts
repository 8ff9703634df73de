import { copyBytes, sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { limits } from '../../wire/limits.ts'
import { uuidBytes } from './accountRows.ts'
import { bundleOf, type DeviceKeysRow, type OneTimeKyberRow, type OneTimeRow } from './bundleRows.ts'
import { admitted, recipientReader } from './sqliteAccess.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { SpentPermits } from './sqlitePermits.ts'
import type { Authorisation, BundleOutcome, KeyCount, KeySet, KeyStore, SignedKey } from './store.ts'

/** Writes within the caller's transaction. */
export type KeyWriter = (device: number, keys: KeySet) => void

interface SqliteKeys {
  readonly store: KeyStore
  readonly write: KeyWriter
}

export function sqliteKeys(db: SqliteDatabase, permits: SpentPermits): SqliteKeys {
  const write = writer(db)
  const count = counter(db)
  const take = taker(db, permits)
  const adopted = db.prepare<[number], { identity_key: Uint8Array }>(
    `SELECT a.identity_key FROM device_keys k JOIN devices d ON d.id = k.device JOIN accounts a ON a.id = d.account
     WHERE k.device = ?`,
  )
  const upload = (device: number, identityKey: Bytes, keys: KeySet): KeyCount => {
    const current = adopted.get(device)?.identity_key
    if (current === undefined || !sameBytes(current, identityKey)) throw new CodedError('identity.superseded')
    write(device, keys)
    return count(device)
  }
  return {
    write,
    store: {
      upload: async (device, identityKey, keys) =>
        orUnavailable(() => db.transaction(() => upload(device, identityKey, keys)).immediate()),
      count: async (device) => orUnavailable(() => count(device)),
      takeBundle: async (accountId, by, now, spared = false) =>
        orUnavailable(() => db.transaction(() => take(uuidBytes(accountId), by, now, spared)).immediate()),
    },
  }
}

function writer(db: SqliteDatabase): KeyWriter {
  const insertKeys = db.prepare('INSERT INTO device_keys VALUES (?, ?, ?, ?, ?, ?, ?)')
  const setSigned = db.prepare(
    'UPDATE device_keys SET signed_id = ?, signed_key = ?, signed_signature = ? WHERE device = ?',
  )
  const setKyber = db.prepare(
    'UPDATE device_keys SET kyber_id = ?, kyber_key = ?, kyber_signature = ? WHERE device = ?',
  )
  const addPre = db.prepare(
    'INSERT OR REPLACE INTO one_time_pre_keys (device, key_id, public_key) VALUES (?, ?, ?)',
  )
  const addKyber = db.prepare(
    'INSERT OR REPLACE INTO one_time_kyber_pre_keys (device, key_id, public_key, signature) VALUES (?, ?, ?, ?)',
  )
  const drops = ['one_time_pre_keys', 'one_time_kyber_pre_keys'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE device = ?`),
  )
  const trims = ['one_time_pre_keys', 'one_time_kyber_pre_keys'].map((table) =>
    db.prepare(
      `DELETE FROM ${table} WHERE id IN
       (SELECT id FROM ${table} WHERE device = ? ORDER BY id DESC LIMIT -1 OFFSET ${limits.oneTimePreKeysKept})`,
    ),
  )
  return (device, keys) => {
    const signed = keys.signedPreKey
    const kyber = keys.lastResortKyberPreKey
    if (signed !== null && setSigned.run(...values(signed), device).changes === 0) {
      // The first keys of a device come with its enrolment, its link or a new identity key, which bring both.
      if (kyber === null) throw new CodedError('keys.malformed')
      insertKeys.run(device, ...values(signed), ...values(kyber))
    } else if (kyber !== null) setKyber.run(...values(kyber), device)
    if (keys.replaceOneTime) for (const drop of drops) drop.run(device)
    for (const key of keys.oneTimePreKeys) addPre.run(device, key.keyId, key.publicKey)
    for (const key of keys.oneTimeKyberPreKeys) addKyber.run(device, ...values(key))
    for (const trim of trims) trim.run(device)
  }
}

function values(key: SignedKey): [number, Uint8Array, Uint8Array] {
  return [key.keyId, key.publicKey, key.signature]
}

function counter(db: SqliteDatabase): (device: number) => KeyCount {
  const statement = db.prepare<[number, number], KeyCount>(
    `SELECT (SELECT count(*) FROM one_time_pre_keys WHERE device = ?) AS oneTimePreKeys,
            (SELECT count(*) FROM one_time_kyber_pre_keys WHERE device = ?) AS oneTimeKyberPreKeys`,
  )
  return (device) => statement.get(device, device) ?? { oneTimePreKeys: 0, oneTimeKyberPreKeys: 0 }
}

type Taker = (accountId: Uint8Array, by: Authorisation, now: number, spared: boolean) => BundleOutcome

function taker(db: SqliteDatabase, permits: SpentPermits): Taker {
  const find = recipientReader(db)
  const devices = db.prepare<[number, number], DeviceKeysRow>(
    `SELECT d.id AS device, d.device_id, d.registration_id, d.device_key, d.attestation, k.signed_id, k.signed_key,
            k.signed_signature, k.kyber_id, k.kyber_key, k.kyber_signature
     FROM devices d JOIN device_keys k ON k.device = d.id WHERE d.account = ? AND d.id <> ? ORDER BY d.device_id`,
  )
  const pop = (table: string, columns: string): string =>
    `DELETE FROM ${table} WHERE id = (SELECT min(id) FROM ${table} WHERE device = ?) RETURNING ${columns}`
  const popPre = db.prepare<[number], OneTimeRow>(pop('one_time_pre_keys', 'key_id, public_key'))
  const popKyber = db.prepare<[number], OneTimeKyberRow>(
    pop('one_time_kyber_pre_keys', 'key_id, public_key, signature'),
  )
  return (accountId, by, now, spared) => {
    const admission = admitted(find(accountId), by)
    if (admission.kind !== 'admitted') return admission
    if (by.kind === 'permit') {
      if (permits.find(by.permit) !== null) return { kind: 'permitSpent' }
      permits.spend(by.permit, null, now)
    }
    const bundles = devices
      .all(admission.account, by.kind === 'own' ? by.except : 0)
      .map((d) =>
        spared
          ? bundleOf(d, undefined, undefined)
          : bundleOf(d, popPre.get(d.device), popKyber.get(d.device)),
      )
    return { kind: 'taken', bundle: { identityKey: copyBytes(admission.identityKey), devices: bundles } }
  }
}
