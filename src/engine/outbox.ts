import { randomInt } from 'node:crypto'
import { fromUuid } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { exhausted } from '../base/exhaustive.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { advanceDelivery, setDelivery } from '../storage/repositories/messages.ts'
import {
  deleteJob,
  dueJobs,
  nextDue,
  postponeJob,
  readCiphertexts,
  type Job,
} from '../storage/repositories/outbox.ts'
import type { Vault } from '../storage/vault.ts'
import type { Certificates } from './certificates.ts'
import type { ReachPoint } from './crashPoints.ts'
import { afterRefusal, nextStep, type NextStep } from './delivery.ts'
import type { LiveConnection, RelayConnection } from './relay/connection.ts'
import type { OutgoingEnvelope, PutOutcome } from './relay/socket.ts'
import type { Sessions } from './sessions.ts'

/** Jobs of one lane that are encrypted in one transaction. */
const jobsPerLane = 20
/** Done jobs are written off together, at most this long after the first of them. */
const settleMs = 10
/** How long a lane waits for a person's decision about an identity before it looks again. */
const heldMs = 3_600_000

interface OutboxParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly sessions: Sessions
  readonly connection: RelayConnection
  readonly certificates: Certificates
  readonly clock: Clock
  readonly reach: ReachPoint
  /** These jobs' messages look different now. */
  readonly changed: (jobs: readonly Job[]) => void
}

/**
 * Durable jobs, first in first out in each lane. Encryption is committed before anything leaves (SECURITY 3); what
 * leaves again after a crash is the same inner ciphertext under the same envelope id.
 */
export class Outbox {
  readonly #parts: OutboxParts
  #running: Promise<void> | null = null
  #again = false
  #stopped = false
  #timer: NodeJS.Timeout | null = null

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** There may be something to do: a new job, the network, a decision. */
  wake(): void {
    this.#again = true
    if (this.#stopped || this.#running !== null) return
    this.#running = this.#run().finally(() => {
      this.#running = null
      // What came between the last look and the end of the run.
      if (this.#again) this.wake()
      else this.#sleep()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false
      const { live } = this.#parts.connection
      if (live === null) return
      const lanes = byLane(dueJobs(this.#parts.vault.sql, this.#parts.clock.now(), jobsPerLane))
      const complete = await Promise.all(lanes.map((jobs) => this.#sendLane(live, jobs)))
      if (complete.some(Boolean)) this.#again = true
    }
  }

  #sleep(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const due = this.#stopped ? null : nextDue(this.#parts.vault.sql)
    if (due === null || this.#parts.connection.live === null) return
    // Never a tight loop: what is due now and was not sent waits for the network.
    const wait = Math.min(Math.max(due - this.#parts.clock.now(), 1_000), 2 ** 31 - 1)
    this.#timer = setTimeout(() => this.wake(), wait)
    this.#timer.unref()
  }

  /** True when all of it went, so that there may be more behind it. */
  async #sendLane(live: LiveConnection, jobs: readonly Job[]): Promise<boolean> {
    const settled = new Settlement(this.#parts)
    try {
      await this.#parts.sessions.encrypt(jobs)
      this.#parts.changed(jobs)
      for (const job of jobs) {
        const step = await this.#deliver(live, job)
        if (!this.#carryOut(job, step, settled)) return false
      }
      return true
    } catch (error) {
      const [head] = jobs
      const step = stepAfter(error, head?.attempts ?? 0)
      if (head !== undefined && step !== null) this.#carryOut(head, step, settled)
      return step?.kind === 'fail'
    } finally {
      settled.flush()
    }
  }

  /** Puts one job, correcting the device list as often as it helps. Throws when the connection is lost. */
  async #deliver(live: LiveConnection, job: Job): Promise<NextStep> {
    for (let repairs = 0; ; repairs += 1) {
      const outcome = await this.#put(live, job)
      const step = nextStep(outcome, { attempts: job.attempts, repairs }, random())
      if (step.kind !== 'repair') return step
      await this.#parts.sessions.repair(job, step.make, step.drop)
    }
  }

  async #put(live: LiveConnection, job: Job): Promise<PutOutcome> {
    const destination = fromUuid(job.destination)
    if (destination === null) return { kind: 'refused', code: 'recipient.unknown', retryAfterMs: 0 }
    const certificate = await this.#parts.certificates.current(live)
    const envelopes = await this.#parts.protocol.exclusively(async (turn) => {
      if (turn.isIdentityPending(job.destination)) throw new CodedError('identity.changed')
      const sealed: OutgoingEnvelope[] = []
      for (const made of readCiphertexts(this.#parts.vault.sql, job.jobId)) {
        const { deviceId, registrationId, envelopeId } = made
        const body = await turn.seal({ accountId: job.destination, deviceId }, made, certificate)
        sealed.push({ deviceId, registrationId, envelopeId, body })
      }
      return sealed
    })
    this.#parts.reach('send.sealed')
    const outcome = await live.socket.put(destination, envelopes)
    this.#parts.reach('send.stored')
    return outcome
  }

  /** True when the lane may go on. */
  #carryOut(job: Job, step: NextStep, settled: Settlement): boolean {
    switch (step.kind) {
      case 'done':
        settled.add(job)
        return true
      case 'fail':
        settled.flush()
        this.#fail(job, step.code)
        return true
      case 'postpone': {
        settled.flush()
        const until = this.#parts.clock.now() + step.waitMs
        this.#parts.vault.transaction((tx) => postponeJob(tx, job.jobId, until))
        this.#parts.changed([job])
        return false
      }
      case 'repair':
        return false
    }
    return exhausted(step)
  }

  #fail(job: Job, code: ErrorCode): void {
    this.#parts.vault.transaction((tx) => {
      deleteJob(tx, job.jobId)
      if (job.messagePosition === null) return
      setDelivery(tx, job.messagePosition, 'failed', JSON.stringify({ code, details: {} }))
    })
    this.#parts.changed([job])
  }
}

/** Jobs that the relay has stored, written off a few at a time: repeating one would be harmless, never lost. */
class Settlement {
  readonly #parts: OutboxParts
  #jobs: Job[] = []
  #since = 0

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  add(job: Job): void {
    if (this.#jobs.length === 0) this.#since = performance.now()
    this.#jobs.push(job)
    if (performance.now() - this.#since >= settleMs) this.flush()
  }

  flush(): void {
    const jobs = this.#jobs
    if (jobs.length === 0) return
    this.#jobs = []
    this.#parts.vault.transaction((tx) => {
      for (const job of jobs) {
        deleteJob(tx, job.jobId)
        if (job.messagePosition !== null) advanceDelivery(tx, job.messagePosition, 'sent')
      }
    })
    this.#parts.reach('send.settled')
    this.#parts.changed(jobs)
  }
}

/** What a failure before the put means for the head of the lane; null: wait for the network. */
function stepAfter(error: unknown, attempts: number): NextStep | null {
  if (!(error instanceof CodedError)) throw error
  switch (error.code) {
    case 'relay.unreachable':
    case 'relay.certificate':
      return null
    case 'identity.changed':
      return { kind: 'postpone', waitMs: heldMs }
    case 'bundle.malformed':
    case 'bundle.signature':
    case 'bundle.noKyberKey':
    case 'content.tooLarge':
      return { kind: 'fail', code: error.code }
    default: {
      const { seconds } = error.details
      return afterRefusal(error.code, typeof seconds === 'number' ? seconds * 1_000 : 0, attempts, random())
    }
  }
}

function byLane(jobs: readonly Job[]): Job[][] {
  const lanes = new Map<string, Job[]>()
  for (const job of jobs) {
    const lane = lanes.get(job.lane)
    if (lane === undefined) lanes.set(job.lane, [job])
    else lane.push(job)
  }
  return [...lanes.values()]
}

function random(): number {
  return randomInt(1_000_000) / 1_000_000
}
