import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

export type JobKind =
  | 'message'
  | 'edit'
  | 'delete'
  | 'reaction'
  | 'acknowledgement'
  | 'receipt'
  | 'readReceipt'
  | 'typing'
  | 'timer'
  | 'sync'
  | 'retryRequest'
  | 'resend'
  | 'profileKey'

export interface NewJob {
  /**
   * Jobs of a lane leave in their order; lanes do not wait for each other. Everything for one account is one lane, so
   * that ciphertexts leave in the order of their ratchet: keys of older chains die after a few turns (libsignal.md 4.11).
   */
  readonly lane: string
  /** The account that it goes to. */
  readonly destination: string
  readonly kind: JobKind
  /** The message that it carries, with which it goes; null for every other kind than `message`. */
  readonly messagePosition: number | null
  /** Encoded content, before padding. */
  readonly content: Bytes
  readonly createdAt: number
  /** For this device of the account alone; null: for all of them. */
  readonly onlyDevice?: number | null
  /** After this moment it is worth nothing any more, ms; null: never. */
  readonly expiresAt?: number | null
  /** Id of the message that it is about; null when about none. */
  readonly refersTo?: Bytes | null
}

/** The hold of one run of the program on jobs; by the clock's time an abandoned one ends. */
export interface Lease {
  /** Of this run alone. */
  readonly holder: string
  /** ms since the epoch. */
  readonly until: number
}

export interface Job extends Required<NewJob> {
  readonly jobId: number
  /** `encrypted`: its ciphertexts are committed; exactly these leave, however often (rule 3), until the account's key is replaced. */
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
  only_device: number | null
  expires_at: number | null
  refers_to: Bytes | null
  lease_holder: string | null
  lease_until: number
}

const select = `SELECT *, EXISTS (SELECT 1 FROM outbox_ciphertext c WHERE c.id BETWEEN outbox.job_id * 128 AND outbox.job_id * 128 + 127) AS encrypted
  FROM outbox`

/**
 * The first job of each lane and when it may be taken, by one step through the index for each lane, however many jobs
 * wait. Its parameter is the run that asks, whose own leases do not hold it up.
 */
const heads = `WITH RECURSIVE
  lanes (lane) AS (
    SELECT min(lane) FROM outbox
    UNION ALL SELECT (SELECT min(o.lane) FROM outbox o WHERE o.lane > lanes.lane) FROM lanes WHERE lane IS NOT NULL
  ),
  heads (lane, job_id, due) AS (
    SELECT o.lane, o.job_id, max(o.next_attempt_at, iif(o.lease_holder <> ?, o.lease_until, 0))
    FROM lanes JOIN outbox o ON o.job_id = (SELECT min(job_id) FROM outbox WHERE outbox.lane = lanes.lane)
  )`

export const outboxQueries = {
  dueLanes: `${heads} SELECT lane FROM heads WHERE due <= ? ORDER BY job_id`,
  nextDue: `${heads} SELECT min(due) AS due FROM heads`,
  lane: `${select} WHERE lane = ? ORDER BY job_id LIMIT ?`,
  ofMessage: `${select} WHERE message_position = ? AND kind = 'message'`,
  about: `${select} WHERE refers_to = ? ORDER BY job_id`,
  expired: `${select} WHERE expires_at <= ? ORDER BY expires_at, job_id LIMIT ?`,
  postpone: `UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ?, lease_holder = NULL, lease_until = 0
    WHERE job_id = (SELECT min(job_id) FROM outbox WHERE lane = ?)`,
  laneAttempts: 'SELECT attempts FROM outbox WHERE lane = ? ORDER BY job_id LIMIT 1',
  countKind: 'SELECT count(*) AS n FROM outbox WHERE kind = ?',
  countMessages: `SELECT count(*) AS n FROM outbox WHERE kind = 'message'`,
} as const

/** Stands for a run that holds nothing. */
const nobody = ''

export function insertJob(tx: Tx, job: NewJob): number {
  return tx.run(
    `INSERT INTO outbox (lane, destination, kind, message_position, content, created_at, only_device, expires_at,
       refers_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      job.lane,
      job.destination,
      job.kind,
      job.messagePosition,
      job.content,
      job.createdAt,
      job.onlyDevice ?? null,
      job.expiresAt ?? null,
      job.refersTo ?? null,
    ],
  ).lastId
}

/** Lanes whose first job is due and not held by another run than `holder`, the one that waits longest first. */
export function dueLanes(sql: Sql, now: number, holder: string = nobody): string[] {
  return sql.all<{ lane: string }>(outboxQueries.dueLanes, [holder, now]).map((row) => row.lane)
}

/** The first jobs of a lane in order, as far as no other run than `holder` holds them; none while the head waits. */
export function laneJobs(sql: Sql, lane: string, now: number, limit: number, holder: string = nobody): Job[] {
  const raws = sql.all<Raw>(outboxQueries.lane, [lane, limit])
  const [head] = raws
  if (head === undefined || head.next_attempt_at > now) return []
  const held = raws.findIndex(
    (raw) => raw.lease_holder !== null && raw.lease_holder !== holder && raw.lease_until > now,
  )
  return (held === -1 ? raws : raws.slice(0, held)).map(fromRaw)
}

/** When the next lane's head may be taken by `holder`; null when nothing waits. */
export function nextDue(sql: Sql, holder: string = nobody): number | null {
  return sql.get<{ due: number | null }>(outboxQueries.nextDue, [holder])?.due ?? null
}

/** Holds jobs for a run, in the transaction in which it read them. */
export function leaseJobs(tx: Tx, jobIds: readonly number[], { holder, until }: Lease): void {
  for (const jobId of jobIds)
    tx.run('UPDATE outbox SET lease_holder = ?, lease_until = ? WHERE job_id = ?', [holder, until, jobId])
}

/** At the start of a run that alone holds the profile: every other one has ended, however it did. */
export function endLeasesOfOthers(tx: Tx, holder: string): void {
  tx.run(
    `UPDATE outbox SET lease_holder = NULL, lease_until = 0
     WHERE lease_holder IS NOT NULL AND lease_holder <> ?`,
    [holder],
  )
}

/** Jobs whose time is over, the earliest first; the caller deletes them and says so where a person waits. */
export function expiredJobs(sql: Sql, now: number, limit: number): Job[] {
  return sql.all<Raw>(outboxQueries.expired, [now, limit]).map(fromRaw)
}

/** Jobs about a message, in order. */
export function jobsAbout(sql: Sql, messageId: Bytes): Job[] {
  return sql.all<Raw>(outboxQueries.about, [messageId]).map(fromRaw)
}

export function readJob(sql: Sql, jobId: number): Job | null {
  const raw = sql.get<Raw>(`${select} WHERE job_id = ?`, [jobId])
  return raw && fromRaw(raw)
}

export function jobOfMessage(sql: Sql, position: number): Job | null {
  const raw = sql.get<Raw>(outboxQueries.ofMessage, [position])
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

/** What is encrypted and has not left, in order. */
export function encryptedJobs(sql: Sql): Job[] {
  return sql.all<Raw>(`${select} WHERE encrypted ORDER BY job_id`, []).map(fromRaw)
}

/** It is encrypted anew before it leaves. */
export function dropAllCiphertexts(tx: Tx, jobId: number): void {
  tx.run('DELETE FROM outbox_ciphertext WHERE id BETWEEN ? AND ?', [firstOf(jobId), firstOf(jobId) + 127])
}

/** A failed attempt: the lane waits behind its head, for its order is kept. Ends the lease on it. */
export function postponeLane(tx: Tx, lane: string, nextAttemptAt: number): void {
  tx.run(outboxQueries.postpone, [nextAttemptAt, lane])
}

/** Its ciphertexts go with it, as they do when its message is deleted. */
export function deleteJob(tx: Tx, jobId: number): void {
  tx.run('DELETE FROM outbox WHERE job_id = ?', [jobId])
}

/** Whoever it was for is no more. */
export function deleteLane(tx: Tx, lane: string): void {
  tx.run('DELETE FROM outbox WHERE lane = ?', [lane])
}

/** What a lane waited for may have come: it is tried at once, and its tries count anew. */
export function makeLaneDue(tx: Tx, lane: string): void {
  tx.run('UPDATE outbox SET next_attempt_at = 0, attempts = 0 WHERE lane = ? AND attempts > 0', [lane])
}

/** How often in a row the head of a lane was tried in vain. */
export function laneAttempts(sql: Sql, lane: string): number {
  return sql.get<{ attempts: number }>(outboxQueries.laneAttempts, [lane])?.attempts ?? 0
}

/** Makes every lane due: the network is back, or the person asked. */
export function makeDue(tx: Tx): void {
  tx.run('UPDATE outbox SET next_attempt_at = 0 WHERE next_attempt_at > 0')
}

export function countQueuedMessages(sql: Sql): number {
  return sql.get<{ n: number }>(outboxQueries.countMessages)?.n ?? 0
}

export function countJobsOfKind(sql: Sql, kind: JobKind): number {
  return sql.get<{ n: number }>(outboxQueries.countKind, [kind])?.n ?? 0
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
    onlyDevice: raw.only_device,
    expiresAt: raw.expires_at,
    refersTo: raw.refers_to,
  }
}
