import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'
import type { JobKind } from './outbox.ts'

const keptMs = 14 * 24 * 3_600_000
const keptRows = 20_000

/** An envelope that left, kept until its device confirms it, or until it is old: the device may ask for it again. */
export interface SentEnvelope {
  readonly envelopeId: Bytes
  readonly accountId: string
  readonly deviceId: number
  /** By which a retry request names it: the timestamp of its ciphertext, unique for the device. */
  readonly reference: number
  /** Encoded content, before padding. */
  readonly content: Bytes
  readonly kind: JobKind
  /** Of the content. */
  readonly messageId: Bytes
  /** ms since the epoch. */
  readonly sentAt: number
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  envelope_id: Bytes
  account_id: string
  device_id: number
  reference: number
  content: Bytes
  kind: JobKind
  message_id: Bytes
  sent_at: number
}

export const resendQueries = {
  find: `SELECT envelope_id, account_id, device_id, reference, content, kind, message_id, sent_at FROM resend
    WHERE account_id = ? AND device_id = ? AND reference = ? ORDER BY id DESC LIMIT 1`,
  confirm: 'DELETE FROM resend WHERE message_id = ? AND account_id = ? AND device_id = ?',
  age: 'DELETE FROM resend WHERE sent_at < ?',
  excess: `SELECT sent_at, id FROM resend ORDER BY sent_at DESC, id DESC LIMIT 1 OFFSET ?`,
  trim: 'DELETE FROM resend WHERE sent_at <= ? AND (sent_at, id) <= (?, ?)',
} as const

/** A repetition of the same envelope changes nothing. */
export function logSent(tx: Tx, sent: SentEnvelope): void {
  tx.run(
    `INSERT INTO resend (envelope_id, account_id, device_id, reference, content, kind, message_id, sent_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      sent.envelopeId,
      sent.accountId,
      sent.deviceId,
      sent.reference,
      sent.content,
      sent.kind,
      sent.messageId,
      sent.sentAt,
    ],
  )
}

/** What was sent to this device under this reference; null when it was confirmed, is too old, or never was. */
export function findResend(
  sql: Sql,
  accountId: string,
  deviceId: number,
  reference: number,
): SentEnvelope | null {
  const raw = sql.get<Raw>(resendQueries.find, [accountId, deviceId, reference])
  return raw && fromRaw(raw)
}

/** Another has the account now. */
export function forgetSentTo(tx: Tx, accountId: string): void {
  tx.run('DELETE FROM resend WHERE account_id = ?', [accountId])
}

/** The device has these messages. */
export function purgeConfirmed(
  tx: Tx,
  accountId: string,
  deviceId: number,
  messageIds: readonly Bytes[],
): void {
  for (const messageId of messageIds) tx.run(resendQueries.confirm, [messageId, accountId, deviceId])
}

/** Drops what is older than 14 days, and the oldest above `rows`. */
export function pruneResends(tx: Tx, now: number, rows: number = keptRows): void {
  tx.run(resendQueries.age, [now - keptMs])
  const excess = tx.get<{ sent_at: number; id: number }>(resendQueries.excess, [rows])
  if (excess !== null) tx.run(resendQueries.trim, [excess.sent_at, excess.sent_at, excess.id])
}

function fromRaw(raw: Raw): SentEnvelope {
  return {
    envelopeId: raw.envelope_id,
    accountId: raw.account_id,
    deviceId: raw.device_id,
    reference: raw.reference,
    content: raw.content,
    kind: raw.kind,
    messageId: raw.message_id,
    sentAt: raw.sent_at,
  }
}
