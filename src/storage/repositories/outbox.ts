import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

export type JobKind = 'message' | 'receipt'

export interface NewJob {
  /**
   * Jobs of a lane leave in their order; lanes do not wait for each other. Everything for one account is one lane, so
   * that ciphertexts leave in the order of their ratchet: keys of older chains die after a few turns (libsignal.md 4.11).
   */
  readonly lane: string
  /** The account that it goes to. */
  readonly destination: string
  readonly kind: JobKind
  /** The message that it carries; null for receipts. */
  readonly messagePosition: number | null
  /** Encoded content, before padding. */
  readonly content: Bytes
  readonly createdAt: number
}

export interface Job extends NewJob {
  readonly jobId: number
  /** `encrypted`: its ciphertexts are committed; exactly these leave, however often (rule 3). */
  readonly status: 'new' | 'encrypted'
  readonly attempts: number
  readonly nextAttemptAt: number
}

/** The inner ciphertext for one device; the sealed layer is made anew at each sending. */
export interface JobCiphertext {
  readonly deviceId: number
  readonly registrationId: number
  /** The same at each repetition: by it the relay knows a put again. */
  readonly envelopeId: Bytes
  /** libsignal's CiphertextMessageType. */
  readonly type: number
  readonly ciphertext: Bytes
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  job_id: number
  lane: string
  destination: string
  kind: JobKind
  message_position: number | null
  content: Bytes
  encrypted: number
  attempts: number
  next_attempt_at: number
  created_at: number
}

const select = `SELECT *, EXISTS (SELECT 1 FROM outbox_ciphertext c WHERE c.id BETWEEN outbox.job_id * 128 AND outbox.job_id * 128 + 127) AS encrypted
  FROM outbox`

/** The first job of each lane; the index of lanes alone finds them. */
const heads = `SELECT h.lane AS lane, h.job_id AS job_id, o.next_attempt_at AS next_attempt_at
  FROM (SELECT lane, min(job_id) AS job_id FROM outbox GROUP BY lane) h JOIN outbox o ON o.job_id = h.job_id`

export function insertJob(tx: Tx, job: NewJob): number {
  return tx.run(
    `INSERT INTO outbox (lane, destination, kind, message_position, content, created_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    [job.lane, job.destination, job.kind, job.messagePosition, job.content, job.createdAt],
  ).lastId
}

/** Lanes whose first job is due, the one that waits longest first. */
export function dueLanes(sql: Sql, now: number): string[] {
  return sql
    .all<{ lane: string }>(`SELECT lane FROM (${heads}) WHERE next_attempt_at <= ? ORDER BY job_id`, [now])
    .map((row) => row.lane)
}

/** The first jobs of a lane in order, or none while its head waits. */
export function laneJobs(sql: Sql, lane: string, now: number, limit: number): Job[] {
  const jobs = sql.all<Raw>(`${select} WHERE lane = ? ORDER BY job_id LIMIT ?`, [lane, limit]).map(fromRaw)
  const [head] = jobs
  return head === undefined || head.nextAttemptAt > now ? [] : jobs
}

/** When the next lane's head becomes due; null when nothing waits. */
export function nextDue(sql: Sql): number | null {
  return sql.get<{ due: number | null }>(`SELECT min(next_attempt_at) AS due FROM (${heads})`)?.due ?? null
}

export function readJob(sql: Sql, jobId: number): Job | null {
  const raw = sql.get<Raw>(`${select} WHERE job_id = ?`, [jobId])
  return raw && fromRaw(raw)
}

export function jobOfMessage(sql: Sql, position: number): Job | null {
  const raw = sql.get<Raw>(`${select} WHERE message_position = ?`, [position])
  return raw && fromRaw(raw)
}

/** Device ids are 1..127, so a job's ciphertexts lie between these ids. */
const firstOf = (jobId: number): number => jobId * 128

export function readCiphertexts(sql: Sql, jobId: number): JobCiphertext[] {
  return sql
    .all<{ id: number; registration_id: number; envelope_id: Bytes; type: number; ciphertext: Bytes }>(
      `SELECT id, registration_id, envelope_id, type, ciphertext FROM outbox_ciphertext
       WHERE id BETWEEN ? AND ? ORDER BY id`,
      [firstOf(jobId), firstOf(jobId) + 127],
    )
    .map((raw) => ({
      deviceId: raw.id - firstOf(jobId),
      registrationId: raw.registration_id,
      envelopeId: raw.envelope_id,
      type: raw.type,
      ciphertext: raw.ciphertext,
    }))
}

/** The ciphertexts made for a job, replacing those of the same devices. */
export function storeCiphertexts(tx: Tx, jobId: number, ciphertexts: readonly JobCiphertext[]): void {
  for (const c of ciphertexts) {
    tx.run(
      `INSERT OR REPLACE INTO outbox_ciphertext (id, registration_id, envelope_id, type, ciphertext)
       VALUES (?, ?, ?, ?, ?)`,
      [firstOf(jobId) + c.deviceId, c.registrationId, c.envelopeId, c.type, c.ciphertext],
    )
  }
}

/** Forgets what was made for devices that are no more. */
export function dropCiphertexts(tx: Tx, jobId: number, deviceIds: readonly number[]): void {
  for (const deviceId of deviceIds) {
    tx.run('DELETE FROM outbox_ciphertext WHERE id = ?', [firstOf(jobId) + deviceId])
  }
}

/** A failed attempt: the lane waits behind its head, for its order is kept. */
export function postponeLane(tx: Tx, lane: string, nextAttemptAt: number): void {
  tx.run(
    `UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ?
     WHERE job_id = (SELECT min(job_id) FROM outbox WHERE lane = ?)`,
    [nextAttemptAt, lane],
  )
}

export function deleteJob(tx: Tx, jobId: number): void {
  tx.run('DELETE FROM outbox_ciphertext WHERE id BETWEEN ? AND ?', [firstOf(jobId), firstOf(jobId) + 127])
  tx.run('DELETE FROM outbox WHERE job_id = ?', [jobId])
}

/** Makes every lane due: the network is back, or the person asked. */
export function makeDue(tx: Tx): void {
  tx.run('UPDATE outbox SET next_attempt_at = 0 WHERE next_attempt_at > 0')
}

export function countQueuedMessages(sql: Sql): number {
  return sql.get<{ n: number }>(`SELECT count(*) AS n FROM outbox WHERE kind = 'message'`)?.n ?? 0
}

function fromRaw(raw: Raw): Job {
  return {
    jobId: raw.job_id,
    lane: raw.lane,
    destination: raw.destination,
    kind: raw.kind,
    messagePosition: raw.message_position,
    content: raw.content,
    status: raw.encrypted === 1 ? 'encrypted' : 'new',
    attempts: raw.attempts,
    nextAttemptAt: raw.next_attempt_at,
    createdAt: raw.created_at,
  }
}
