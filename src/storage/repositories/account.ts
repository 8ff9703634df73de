import { z } from 'zod'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** What this workstation is, besides its keys. Binary values are lower-case hex. */
const recordSchema = z.strictObject({
  accountId: z.string(),
  displayName: z.string(),
  title: z.string(),
  service: z.string(),
  organisation: z.string(),
  deviceId: z.int(),
  deviceName: z.string(),
  registrationId: z.int(),
  relayAddress: z.string(),
  relayId: z.string(),
  tlsPin: z.string().nullable(),
  /** Vaults of before this field are bound to the TLS channel. */
  tlsEndsAtProxy: z.boolean().default(false),
  trustRoot: z.string(),
  zkPublicParams: z.string(),
  /** The invitation's code while the relay has not confirmed the enrolment; then empty. */
  invitationCode: z.string(),
})

export type AccountRecord = z.infer<typeof recordSchema>

const statusSchema = z.enum(['enrolling', 'linking', 'enrolled'])
export type AccountStatus = z.infer<typeof statusSchema>

export interface Account {
  /**
   * `enrolling`: the relay may or may not have used the invitation; the same device key asks again.
   * `linking`: another device has handed the account's keys over; the relay has not confirmed the link.
   */
  readonly status: AccountStatus
  readonly record: AccountRecord
  /** libsignal's serialized IdentityKeyPair. */
  readonly identityKeyPair: Bytes
  /** Ed25519 private key of this device, PKCS #8 DER. */
  readonly deviceKey: Bytes
  /** 32 bytes, the account's: who has it writes to the account anonymously. */
  readonly profileKey: Bytes
}

export interface SenderCertificateRow {
  readonly certificate: Bytes
  readonly expiresAt: number
}

export function readAccount(sql: Sql): Account | null {
  const row = sql.get<{
    status: string
    record: string
    identity_key_pair: Bytes
    device_key: Bytes
    profile_key: Bytes
  }>('SELECT status, record, identity_key_pair, device_key, profile_key FROM account')
  if (row === null) return null
  const status = statusSchema.safeParse(row.status)
  const record = recordSchema.safeParse(JSON.parse(row.record))
  if (!status.success || !record.success) throw new CodedError('vault.damaged', { reason: 'account' })
  return {
    status: status.data,
    record: record.data,
    identityKeyPair: row.identity_key_pair,
    deviceKey: row.device_key,
    profileKey: row.profile_key,
  }
}

/**
 * `pendingUpload`: the public halves of keys as JSON, while the relay has not confirmed that it has them. The keys of
 * an account that is there already stay: they change by `updateIdentity` and `updateProfileKey` alone.
 */
export function writeAccount(tx: Tx, account: Account, pendingUpload: string | null): void {
  tx.run(
    `INSERT INTO account (id, status, record, identity_key_pair, device_key, profile_key, pending_upload)
     VALUES (1, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET status = excluded.status, record = excluded.record,
       pending_upload = excluded.pending_upload`,
    [
      account.status,
      JSON.stringify(account.record),
      account.identityKeyPair,
      account.deviceKey,
      account.profileKey,
      pendingUpload,
    ],
  )
}

/** The sender certificate goes with the key that it names. */
export function updateIdentity(tx: Tx, identityKeyPair: Bytes): void {
  tx.run(
    'UPDATE account SET identity_key_pair = ?, sender_certificate = NULL, certificate_expires_at = NULL',
    [identityKeyPair],
  )
}

/** Another profile key than before has been told to nobody yet. */
export function updateProfileKey(tx: Tx, profileKey: Bytes): void {
  const { changes } = tx.run('UPDATE account SET profile_key = ? WHERE profile_key <> ?', [
    profileKey,
    profileKey,
  ])
  if (changes > 0) tx.run('UPDATE conversation SET profile_key_sent = 0 WHERE profile_key_sent = 1')
}

export function readPendingUpload(sql: Sql): string | null {
  return (
    sql.get<{ pending_upload: string | null }>('SELECT pending_upload FROM account')?.pending_upload ?? null
  )
}

export function readCertificate(sql: Sql): SenderCertificateRow | null {
  const row = sql.get<{ sender_certificate: Bytes | null; certificate_expires_at: number | null }>(
    'SELECT sender_certificate, certificate_expires_at FROM account',
  )
  if (row === null || row.sender_certificate === null || row.certificate_expires_at === null) return null
  return { certificate: row.sender_certificate, expiresAt: row.certificate_expires_at }
}

export function writeCertificate(tx: Tx, row: SenderCertificateRow): void {
  tx.run('UPDATE account SET sender_certificate = ?, certificate_expires_at = ?', [
    row.certificate,
    row.expiresAt,
  ])
}

/** What a device that is being linked has still to show the relay, as JSON of its writer; null for any other. */
export function readPendingLink(sql: Sql): string | null {
  return sql.get<{ pending_link: string | null }>('SELECT pending_link FROM account')?.pending_link ?? null
}

export function writePendingLink(tx: Tx, pendingLink: string | null): void {
  tx.run('UPDATE account SET pending_link = ?', [pendingLink])
}

/** The vault generation, 16 bytes; null before the first. */
export function readGeneration(sql: Sql): Bytes | null {
  return sql.get<{ generation: Bytes | null }>('SELECT generation FROM account')?.generation ?? null
}

export function writeGeneration(tx: Tx, generation: Bytes): void {
  tx.run('UPDATE account SET generation = ?', [generation])
}

/** The relay's revision of the list of devices that `own_device` holds; 0 before the first. */
export function readDevicesRevision(sql: Sql): number {
  return sql.get<{ revision: number }>('SELECT devices_revision AS revision FROM account')?.revision ?? 0
}

export function writeDevicesRevision(tx: Tx, revision: number): void {
  tx.run('UPDATE account SET devices_revision = ?', [revision])
}

/** The highest queue id of this device whose envelope is committed; 0 before the first. */
export function readTakenUpTo(sql: Sql): number {
  return sql.get<{ id: number }>('SELECT taken_up_to AS id FROM account')?.id ?? 0
}

/** It never goes back. */
export function writeTakenUpTo(tx: Tx, queueId: number): void {
  tx.run('UPDATE account SET taken_up_to = max(taken_up_to, ?)', [queueId])
}
