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
  trustRoot: z.string(),
  zkPublicParams: z.string(),
  /** The invitation's code while the relay has not confirmed the enrolment; then empty. */
  invitationCode: z.string(),
})

export type AccountRecord = z.infer<typeof recordSchema>

export interface Account {
  /** `enrolling`: the relay may or may not have used the invitation; the same device key asks again. */
  readonly status: 'enrolling' | 'enrolled'
  readonly record: AccountRecord
  /** libsignal's serialized IdentityKeyPair. */
  readonly identityKeyPair: Bytes
  /** Ed25519 private key of this device, PKCS #8 DER. */
  readonly deviceKey: Bytes
}

export interface SenderCertificateRow {
  readonly certificate: Bytes
  readonly expiresAt: number
}

export function readAccount(sql: Sql): Account | null {
  const row = sql.get<{ status: string; record: string; identity_key_pair: Bytes; device_key: Bytes }>(
    'SELECT status, record, identity_key_pair, device_key FROM account',
  )
  if (row === null) return null
  const record = recordSchema.safeParse(JSON.parse(row.record))
  if (!record.success) throw new CodedError('vault.damaged', { reason: 'account' })
  return {
    status: row.status === 'enrolled' ? 'enrolled' : 'enrolling',
    record: record.data,
    identityKeyPair: row.identity_key_pair,
    deviceKey: row.device_key,
  }
}

/** `pendingUpload`: the public halves of keys as JSON, while the relay has not confirmed that it has them. */
export function writeAccount(tx: Tx, account: Account, pendingUpload: string | null): void {
  tx.run(
    `INSERT INTO account (id, status, record, identity_key_pair, device_key, pending_upload) VALUES (1, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET status = excluded.status, record = excluded.record,
       pending_upload = excluded.pending_upload`,
    [
      account.status,
      JSON.stringify(account.record),
      account.identityKeyPair,
      account.deviceKey,
      pendingUpload,
    ],
  )
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
