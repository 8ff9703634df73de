import type { Bytes } from '../base/bytes.ts'
import type { Sql } from './binding.ts'
import { RecordTable, type RecordCodec } from './recordTable.ts'

/** Keys of records: an account, a device of it, a key id, a sender's distribution. */
export const deviceKey = (accountId: string, deviceId: number): string => `${accountId}.${deviceId}`
export const senderKeyKey = (accountId: string, deviceId: number, distributionId: string): string =>
  `${accountId}.${deviceId}.${distributionId}`

export interface IdentityRecord {
  readonly identityKey: Bytes
  /** Another key that was seen since; nothing is sent or shown until the person decides (rule 5). */
  readonly changedKey: Bytes | null
  readonly firstSeenAt: number
}

export interface TimedRecord {
  readonly record: Bytes
  readonly createdAt: number
}

export interface KyberRecord extends TimedRecord {
  readonly lastResort: boolean
}

/** A session that reads what is still on its way under it, and never encrypts again. */
export interface RetiredSession {
  readonly record: Bytes
  /** ms since the epoch. */
  readonly retiredAt: number
}

/** The account of a `deviceKey` or `senderKeyKey`. */
export const accountOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('.')))

function deviceParts(key: string): [string, number] {
  const [accountId = '', deviceId = ''] = key.split('.')
  return [accountId, Number(deviceId)]
}

function deviceKeys(sql: Sql, table: 'session' | 'retired_session'): string[] {
  return sql
    .all<{ account_id: string; device_id: number }>(`SELECT DISTINCT account_id, device_id FROM ${table}`)
    .map((row) => deviceKey(row.account_id, row.device_id))
}

function keyIds(sql: Sql, table: 'pre_key' | 'signed_pre_key' | 'kyber_pre_key'): string[] {
  return sql.all<{ key_id: number }>(`SELECT key_id FROM ${table}`).map((row) => String(row.key_id))
}

const identityCodec: RecordCodec<IdentityRecord> = {
  read(sql, key) {
    const row = sql.get<{ identity_key: Bytes; changed_key: Bytes | null; first_seen_at: number }>(
      'SELECT identity_key, changed_key, first_seen_at FROM identity WHERE account_id = ?',
      [key],
    )
    return (
      row && { identityKey: row.identity_key, changedKey: row.changed_key, firstSeenAt: row.first_seen_at }
    )
  },
  write(tx, key, value) {
    tx.run(
      `INSERT INTO identity (account_id, identity_key, changed_key, first_seen_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET identity_key = excluded.identity_key, changed_key = excluded.changed_key`,
      [key, value.identityKey, value.changedKey, value.firstSeenAt],
    )
  },
  remove(tx, key) {
    tx.run('DELETE FROM identity WHERE account_id = ?', [key])
  },
  keys: (sql) =>
    sql.all<{ account_id: string }>('SELECT account_id FROM identity').map((row) => row.account_id),
}

const sessionCodec: RecordCodec<Bytes> = {
  read: (sql, key) =>
    sql.get<{ record: Bytes }>(
      'SELECT record FROM session WHERE account_id = ? AND device_id = ?',
      deviceParts(key),
    )?.record ?? null,
  write(tx, key, value) {
    tx.run(
      `INSERT INTO session (account_id, device_id, record) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET record = excluded.record`,
      [...deviceParts(key), value],
    )
  },
  remove(tx, key) {
    tx.run('DELETE FROM session WHERE account_id = ? AND device_id = ?', deviceParts(key))
  },
  keys: (sql) => deviceKeys(sql, 'session'),
}

/** Several of one device, newest first. */
const retiredSessionCodec: RecordCodec<readonly RetiredSession[]> = {
  read(sql, key) {
    const rows = sql.all<{ record: Bytes; retired_at: number }>(
      `SELECT record, retired_at FROM retired_session WHERE account_id = ? AND device_id = ?
       ORDER BY retired_at DESC, id DESC`,
      deviceParts(key),
    )
    return rows.length === 0 ? null : rows.map((row) => ({ record: row.record, retiredAt: row.retired_at }))
  },
  write(tx, key, value) {
    retiredSessionCodec.remove(tx, key)
    // Oldest first, so that among equal times the newest has the highest id.
    for (const { record, retiredAt } of value.toReversed()) {
      tx.run('INSERT INTO retired_session (account_id, device_id, record, retired_at) VALUES (?, ?, ?, ?)', [
        ...deviceParts(key),
        record,
        retiredAt,
      ])
    }
  },
  remove(tx, key) {
    tx.run('DELETE FROM retired_session WHERE account_id = ? AND device_id = ?', deviceParts(key))
  },
  keys: (sql) => deviceKeys(sql, 'retired_session'),
}

const preKeyCodec: RecordCodec<Bytes> = {
  read: (sql, key) =>
    sql.get<{ record: Bytes }>('SELECT record FROM pre_key WHERE key_id = ?', [Number(key)])?.record ?? null,
  write(tx, key, value) {
    tx.run('INSERT OR REPLACE INTO pre_key (key_id, record) VALUES (?, ?)', [Number(key), value])
  },
  remove(tx, key) {
    tx.run('DELETE FROM pre_key WHERE key_id = ?', [Number(key)])
  },
  keys: (sql) => keyIds(sql, 'pre_key'),
}

const signedPreKeyCodec: RecordCodec<TimedRecord> = {
  read(sql, key) {
    const row = sql.get<{ record: Bytes; created_at: number }>(
      'SELECT record, created_at FROM signed_pre_key WHERE key_id = ?',
      [Number(key)],
    )
    return row && { record: row.record, createdAt: row.created_at }
  },
  write(tx, key, value) {
    tx.run('INSERT OR REPLACE INTO signed_pre_key (key_id, record, created_at) VALUES (?, ?, ?)', [
      Number(key),
      value.record,
      value.createdAt,
    ])
  },
  remove(tx, key) {
    tx.run('DELETE FROM signed_pre_key WHERE key_id = ?', [Number(key)])
  },
  keys: (sql) => keyIds(sql, 'signed_pre_key'),
}

const kyberPreKeyCodec: RecordCodec<KyberRecord> = {
  read(sql, key) {
    const row = sql.get<{ record: Bytes; last_resort: number; created_at: number }>(
      'SELECT record, last_resort, created_at FROM kyber_pre_key WHERE key_id = ?',
      [Number(key)],
    )
    return row && { record: row.record, lastResort: row.last_resort === 1, createdAt: row.created_at }
  },
  write(tx, key, value) {
    tx.run(
      'INSERT OR REPLACE INTO kyber_pre_key (key_id, record, last_resort, created_at) VALUES (?, ?, ?, ?)',
      [Number(key), value.record, value.lastResort ? 1 : 0, value.createdAt],
    )
  },
  remove(tx, key) {
    tx.run('DELETE FROM kyber_pre_key WHERE key_id = ?', [Number(key)])
  },
  keys: (sql) => keyIds(sql, 'kyber_pre_key'),
}

const senderKeyCodec: RecordCodec<Bytes> = {
  read: (sql, key) =>
    sql.get<{ record: Bytes }>(
      'SELECT record FROM sender_key WHERE account_id = ? AND device_id = ? AND distribution_id = ?',
      senderKeyParts(key),
    )?.record ?? null,
  write(tx, key, value) {
    tx.run(
      `INSERT INTO sender_key (account_id, device_id, distribution_id, record) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET record = excluded.record`,
      [...senderKeyParts(key), value],
    )
  },
  remove(tx, key) {
    tx.run(
      'DELETE FROM sender_key WHERE account_id = ? AND device_id = ? AND distribution_id = ?',
      senderKeyParts(key),
    )
  },
  keys: (sql) =>
    sql
      .all<{ account_id: string; device_id: number; distribution_id: string }>(
        'SELECT account_id, device_id, distribution_id FROM sender_key',
      )
      .map((row) => senderKeyKey(row.account_id, row.device_id, row.distribution_id)),
}

function senderKeyParts(key: string): [string, number, string] {
  const [accountId = '', deviceId = '', distributionId = ''] = key.split('.')
  return [accountId, Number(deviceId), distributionId]
}

/** The protocol's records, committed. One place lists the kinds; a write-set lays an overlay on each. */
export interface RecordTables {
  readonly identities: RecordTable<IdentityRecord>
  readonly sessions: RecordTable<Bytes>
  /** By `deviceKey`; newest first. */
  readonly retiredSessions: RecordTable<readonly RetiredSession[]>
  readonly preKeys: RecordTable<Bytes>
  readonly signedPreKeys: RecordTable<TimedRecord>
  readonly kyberPreKeys: RecordTable<KyberRecord>
  readonly senderKeys: RecordTable<Bytes>
}

export function recordTables(sql: Sql): RecordTables {
  return {
    identities: new RecordTable(sql, identityCodec, 2_000),
    sessions: new RecordTable(sql, sessionCodec, 2_000),
    retiredSessions: new RecordTable(sql, retiredSessionCodec, 50),
    preKeys: new RecordTable(sql, preKeyCodec, 50),
    signedPreKeys: new RecordTable(sql, signedPreKeyCodec, 10),
    kyberPreKeys: new RecordTable(sql, kyberPreKeyCodec, 50),
    senderKeys: new RecordTable(sql, senderKeyCodec, 500),
  }
}

/** Devices of an account with which there is a committed session. */
export function sessionDevices(sql: Sql, accountId: string): number[] {
  return sql
    .all<{ device_id: number }>('SELECT device_id FROM session WHERE account_id = ? ORDER BY device_id', [
      accountId,
    ])
    .map((row) => row.device_id)
}

/** The committed identity of an account; null before it was seen. */
export function readIdentity(sql: Sql, accountId: string): IdentityRecord | null {
  return identityCodec.read(sql, accountId)
}
