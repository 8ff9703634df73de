import type { Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** Rows of one page. */
export const quarantinePage = 100

/** An envelope that could not be decrypted, kept as it came (ARCHITECTURE section 3). */
export interface QuarantinedEnvelope {
  readonly envelopeId: Bytes
  readonly body: Bytes
  readonly receivedAt: number
  readonly reason: ErrorCode
  /** Who sent it, where the certificate told. */
  readonly accountId: string | null
  readonly deviceId?: number | null
  /** Its place in the relay's queue of this device. */
  readonly queueId?: number | null
  /** By which its sender may be asked for it again. */
  readonly retryReference?: number | null
  /** The position in the thread that is kept for what it says. */
  readonly place?: number | null
  /** When it is tried again, ms; null: when something else happens (a decision, an envelope sent again). */
  readonly nextAttemptAt?: number | null
}

export interface QuarantineRow extends Required<QuarantinedEnvelope> {
  /** Rises in order of arrival. */
  readonly id: number
  readonly attempts: number
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  id: number
  envelope_id: Bytes
  body: Bytes
  received_at: number
  reason: ErrorCode
  account_id: string | null
  device_id: number | null
  queue_id: number | null
  retry_reference: number | null
  place: number | null
  attempts: number
  next_attempt_at: number | null
}

export const quarantineQueries = {
  of: 'SELECT * FROM quarantine WHERE account_id = ? AND reason = ? AND id > ? ORDER BY id LIMIT ?',
  waiting: 'SELECT DISTINCT account_id FROM quarantine WHERE reason = ? AND account_id IS NOT NULL',
  due: 'SELECT * FROM quarantine WHERE next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT ?',
  find: 'SELECT * FROM quarantine WHERE envelope_id = ?',
} as const

/** False when this envelope lies there already. */
export function insertQuarantined(tx: Tx, envelope: QuarantinedEnvelope): boolean {
  const { changes } = tx.run(
    `INSERT INTO quarantine (envelope_id, body, received_at, reason, account_id, device_id, queue_id, retry_reference,
       place, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      envelope.envelopeId,
      envelope.body,
      envelope.receivedAt,
      envelope.reason,
      envelope.accountId,
      envelope.deviceId ?? null,
      envelope.queueId ?? null,
      envelope.retryReference ?? null,
      envelope.place ?? null,
      envelope.nextAttemptAt ?? null,
    ],
  )
  return changes === 1
}

export function countQuarantined(sql: Sql): number {
  return sql.get<{ n: number }>('SELECT count(*) AS n FROM quarantine')?.n ?? 0
}

/** Those of an account that wait for one reason, in order of arrival: at most 100, from behind `afterId` (0: the first). */
export function readQuarantinedOf(
  sql: Sql,
  accountId: string,
  reason: ErrorCode,
  afterId: number = 0,
): QuarantineRow[] {
  return sql.all<Raw>(quarantineQueries.of, [accountId, reason, afterId, quarantinePage]).map(fromRaw)
}

/** Accounts of which something waits for this reason. */
export function accountsWaiting(sql: Sql, reason: ErrorCode): string[] {
  return sql.all<{ account_id: string }>(quarantineQueries.waiting, [reason]).map((row) => row.account_id)
}

/** Those whose next attempt is due, at most 100, the one that waits longest first. */
export function listDueForRetry(sql: Sql, now: number): QuarantineRow[] {
  return sql.all<Raw>(quarantineQueries.due, [now, quarantinePage]).map(fromRaw)
}

export function findQuarantined(sql: Sql, envelopeId: Bytes): QuarantineRow | null {
  const raw = sql.get<Raw>(quarantineQueries.find, [envelopeId])
  return raw && fromRaw(raw)
}

/** It has been decrypted, or its content came in another envelope, or the person decided against it. */
export function deleteQuarantined(tx: Tx, id: number): void {
  tx.run('DELETE FROM quarantine WHERE id = ?', [id])
}

/** It is tried once more. */
export function noteAttempt(tx: Tx, id: number, nextAttemptAt: number | null): void {
  tx.run('UPDATE quarantine SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ?', [
    nextAttemptAt,
    id,
  ])
}

/** Those that came before `before` (ms) or lie behind the newest `limit`, but for what waits for a person's decision. */
export function dropOldQuarantined(tx: Tx, before: number, limit: number): void {
  tx.run(
    `DELETE FROM quarantine WHERE reason <> 'identity.changed'
       AND (received_at < ? OR id <= (SELECT coalesce(max(id), 0) FROM quarantine) - ?)`,
    [before, limit],
  )
}

function fromRaw(raw: Raw): QuarantineRow {
  return {
    id: raw.id,
    envelopeId: raw.envelope_id,
    body: raw.body,
    receivedAt: raw.received_at,
    reason: raw.reason,
    accountId: raw.account_id,
    deviceId: raw.device_id,
    queueId: raw.queue_id,
    retryReference: raw.retry_reference,
    place: raw.place,
    attempts: raw.attempts,
    nextAttemptAt: raw.next_attempt_at,
  }
}
