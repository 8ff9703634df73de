import { randomInt, randomUUID } from 'node:crypto'
import { fromUuid, sameBytes, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, type ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import type { Protocol } from '../../protocol/protocol.ts'
import { advanceDelivery } from '../../storage/repositories/messages.ts'
import {
  deleteJob,
  dueLanes,
  endLeasesOfOthers,
  expiredJobs,
  laneJobs,
  nextDue,
  postponeLane,
  readCiphertexts,
  readJob,
  type Job,
} from '../../storage/repositories/outbox.ts'
import { startTimer } from '../../storage/repositories/readState.ts'
import type { Vault } from '../../storage/vault.ts'
import type { Access } from './access.ts'
import type { Certificates } from './certificates.ts'
import type { ReachPoint } from '../crashPoints.ts'
import { afterRefusal, handoverStep, nextStep, type NextStep } from './delivery.ts'
import { isProperJob, jobKinds } from './jobKinds.ts'
import type { LiveConnection, RelayConnection } from '../relay/connection.ts'
import type { AnonymousConnection } from '../relay/anonymousConnection.ts'
import type { OutgoingEnvelope, OutgoingPut, PutOutcome } from '../relay/puts.ts'
import { giveUp } from './notSent.ts'
import { isHandover } from '../account/pendingIdentity.ts'
import { otherOwnDevices, type Posting } from './posting.ts'
import type { Retries } from '../receiving/retries.ts'
import type { Self } from '../account/self.ts'
import type { Sessions } from './sessions.ts'

/** Jobs of one lane that are encrypted in one transaction. */
const jobsPerLane = 20
/** Done jobs are written off together, at most this long after the first of them. */
const settleMs = 10
/** Lanes at work at the same time. */
const lanesAtOnce = 16
/** The shortest rest before what is due and did not go is looked at again. */
const restMs = 1_000
/** How long a run holds jobs that it has encrypted; a run that has ended holds nothing from the next start on. */
const leaseMs = 60_000
const expiredAtOnce = 100
/** How often another authorisation is taken for one put: the relay may refuse them all. */
const authorisationsInARow = 3
/** How long a lane waits for a person's decision about an identity before it looks again. */
const heldMs = 3_600_000

interface OutboxParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly sessions: Sessions
  readonly connection: RelayConnection
  readonly anonymous: AnonymousConnection
  readonly access: Access
  readonly retries: Retries
  readonly posting: Posting
  readonly self: Self
  readonly certificates: Certificates
  readonly clock: Clock
  readonly reach: ReachPoint
  /** The account's devices and its identity key are known on this connection: nothing leaves before. */
  readonly mayLeave: () => boolean
  /** These jobs' messages look different now. */
  readonly changed: (jobs: readonly Job[]) => void
  /** A line was added to this conversation. */
  readonly noted: (conversationId: string, position: number | null) => void
  /** Something has left on this connection. */
  readonly sent: (live: LiveConnection) => void
}

/**
 * Durable jobs, first in first out in each lane; lanes do not wait for each other. Encryption is committed before
 * anything leaves (SECURITY 3); what leaves again after a crash is the same inner ciphertext under the same envelope id.
 */
export class Outbox {
  readonly #parts: OutboxParts
  /** The lanes at work, each with what ends when it rests. */
  readonly #lanes = new Map<string, Promise<void>>()
  /** Lanes for which something came while they were at work. */
  readonly #again = new Set<string>()
  /** Of the leases of this run. */
  readonly #holder = randomUUID()
  #stopped = false
  #timer: NodeJS.Timeout | null = null

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** Once, before the first `wake`: this run alone holds the profile, so what others held is free. */
  begin(): void {
    this.#parts.vault.transaction((tx) => endLeasesOfOthers(tx, this.#holder))
  }

  /** There may be something to do: a new job, the network, a decision. */
  wake(): void {
    const { live } = this.#parts.connection
    if (this.#stopped || live === null || !this.#parts.mayLeave()) return
    try {
      this.#dropExpired(Math.min(this.#parts.clock.now(), live.relayTime()))
      for (const lane of dueLanes(this.#parts.vault.sql, this.#parts.clock.now(), this.#holder)) {
        this.#wakeLane(lane)
      }
    } catch {
      // A full disk: what could not be written down now is looked at again after the rest.
    }
    this.#sleep()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await Promise.all(this.#lanes.values())
  }

  #wakeLane(lane: string): void {
    if (this.#lanes.has(lane)) {
      this.#again.add(lane)
      return
    }
    if (this.#lanes.size >= lanesAtOnce) return
    const work = this.#runLane(lane).finally(() => {
      this.#lanes.delete(lane)
      // What came between its last look and its end, and lanes that had to wait for a place.
      if (this.#again.delete(lane) || this.#lanes.size === lanesAtOnce - 1) this.wake()
      else this.#sleep()
    })
    this.#lanes.set(lane, work)
  }

  /** Never rejects: a lane that cannot even write down why it failed rests and is looked at again. */
  async #runLane(lane: string): Promise<void> {
    try {
      for (;;) {
        this.#again.delete(lane)
        const { live } = this.#parts.connection
        if (live === null || this.#stopped) return
        const jobs = laneJobs(this.#parts.vault.sql, lane, this.#parts.clock.now(), jobsPerLane, this.#holder)
        const [head] = jobs
        if (head === undefined) return
        const proper = properOnes(jobs)
        if (proper.length === 0) this.#fail(head, 'internal')
        else if (!(await this.#sendLane(live, proper))) return
      }
    } catch {
      this.#again.delete(lane)
    }
  }

  /** What nobody needs any more; a message says so, for a person waits for it. */
  #dropExpired(now: number): void {
    const { vault } = this.#parts
    const expired = expiredJobs(vault.sql, now, expiredAtOnce)
    if (expired.length === 0) return
    const lines = vault.transaction((tx) =>
      expired.flatMap((job) => giveUp(tx, job, 'message.expired', this.#parts)),
    )
    this.#parts.changed(expired)
    for (const { conversationId, position } of lines) this.#parts.noted(conversationId, position)
  }

  #sleep(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#stopped || this.#parts.connection.live === null) return
    const due = nextDue(this.#parts.vault.sql, this.#holder)
    if (due === null) return
    // Never a tight loop: what is due now and did not go waits for the network, or for room on the disk.
    const wait = Math.min(Math.max(due - this.#parts.clock.now(), restMs), 2 ** 31 - 1)
    this.#timer = setTimeout(() => this.wake(), wait)
    this.#timer.unref()
  }

  /** True when all of it went, so that there may be more behind it. */
  async #sendLane(live: LiveConnection, jobs: readonly Job[]): Promise<boolean> {
    const settled = new Settlement(this.#parts)
    const identityKey = this.#parts.self.identityKey()
    const isStranger = jobs.some(({ destination }) => !this.#parts.access.isKnown(destination))
    let current = jobs.find((job) => job.status === 'new') ?? jobs[0]
    try {
      const lease = { holder: this.#holder, until: this.#parts.clock.now() + leaseMs }
      await this.#parts.sessions.encrypt(jobs, live, lease)
      this.#parts.changed(jobs)
      for (const job of jobs) {
        if (this.#stopped || live.socket.isLost) return false
        current = job
        const step = await this.#deliver(live, job, identityKey)
        if (!this.#carryOut(job, step, settled)) return false
      }
      return true
    } catch (error) {
      const step = stepAfter(error, jobs[0]?.attempts ?? 0)
      if (current === undefined || step === null) return false
      // Their key has come while a permit for a stranger was looked for.
      if (isStranger && this.#parts.access.isKnown(current.destination)) return true
      return this.#carryOut(current, this.#judged(current, step), settled)
    } finally {
      settled.flush()
    }
  }

  /** Puts one job, correcting what the relay says is wrong as often as it helps. Throws when the connection is lost. */
  async #deliver(live: LiveConnection, job: Job, identityKey: Bytes): Promise<NextStep> {
    for (let repairs = 0; ; repairs += 1) {
      const outcome = await this.#put(live, job, identityKey)
      // Worth nothing a moment later: it never holds up what comes after it.
      if (job.kind === 'typing') return { kind: 'done' }
      const step = this.#judged(job, nextStep(outcome, { attempts: job.attempts, repairs }, random()))
      if (step.kind !== 'repair') return step
      if (this.#isPointless(job, step.drop)) return { kind: 'done' }
      await this.#parts.sessions.repair(job, step.make, step.drop, live)
    }
  }

  #judged(job: Job, step: NextStep): NextStep {
    if (step.kind === 'done' || !isHandover(this.#parts.vault.sql, job)) return step
    return handoverStep(step, job.attempts, random())
  }

  /** What was for one device alone, and the device is no more. */
  #isPointless({ onlyDevice }: Job, drop: readonly number[]): boolean {
    return onlyDevice !== null && drop.includes(onlyDevice)
  }

  async #put(live: LiveConnection, job: Job, identityKey: Bytes): Promise<PutOutcome> {
    const destination = fromUuid(job.destination)
    if (destination === null) return { kind: 'refused', code: 'recipient.unknown', retryAfterMs: 0 }
    const envelopes = await this.#sealed(live, job, identityKey)
    // Deleted meanwhile: nothing leaves, and nothing is left to do. Or no device is left to write to.
    if (envelopes.length === 0) return this.#withoutEnvelopes(job)
    const put: OutgoingPut = { destination, envelopes, someDevices: job.onlyDevice !== null }
    this.#parts.reach('send.sealed')
    const outcome = await this.#send(live, job, put)
    this.#parts.reach('send.stored')
    if (outcome.kind === 'stored') this.#parts.sent(live)
    return outcome
  }

  async #sealed(live: LiveConnection, job: Job, identityKey: Bytes): Promise<OutgoingEnvelope[]> {
    const certificate = await this.#parts.certificates.current(live)
    return await this.#parts.protocol.exclusively(async (turn) => {
      if (turn.isIdentityPending(job.destination)) throw new CodedError('identity.changed')
      if (!sameBytes(identityKey, this.#parts.self.identityKey())) throw new CodedError('identity.superseded')
      const sealed: OutgoingEnvelope[] = []
      for (const made of readCiphertexts(this.#parts.vault.sql, job.jobId)) {
        const { deviceId, registrationId, envelopeId } = made
        const inner = { ...made, whenUnreadable: jobKinds[job.kind].whenUnreadable }
        const body = await turn.seal({ accountId: job.destination, deviceId }, inner, certificate)
        sealed.push({ deviceId, registrationId, envelopeId, body })
      }
      return sealed
    })
  }

  /** SECURITY 9: to others without a name; only what goes to the account's own devices says whose it is. */
  async #send(live: LiveConnection, job: Job, put: OutgoingPut): Promise<PutOutcome> {
    if (job.destination === this.#parts.self.accountId) return await live.socket.put(put)
    const { access, anonymous } = this.#parts
    const ephemeral = job.kind === 'typing'
    // First: a permit that is taken out is gone, and there may be nobody to give it to.
    await anonymous.connected()
    for (let tries = 1; ; tries += 1) {
      const authorisation = await access.to(job.destination, live)
      const outcome = await anonymous.put({ ...put, authorisation, ephemeral })
      const another =
        outcome.kind === 'refused' && access.refused(job.destination, authorisation, outcome.code)
      if (!another || tries >= authorisationsInARow) return outcome
    }
  }

  #withoutEnvelopes(job: Job): PutOutcome {
    const { vault, self } = this.#parts
    if (readJob(vault.sql, job.jobId) === null) return { kind: 'stored' }
    if (job.onlyDevice === null) return { kind: 'refused', code: 'recipient.unknown', retryAfterMs: 0 }
    const own = job.destination === self.accountId
    const comes =
      own && otherOwnDevices(vault.sql, self.deviceId).some((one) => one.deviceId === job.onlyDevice)
    // A device that is being linked, or has not taken up the account's new key yet: what is for it waits, in its own lane.
    return comes ? { kind: 'refused', code: 'relay.unavailable', retryAfterMs: 0 } : { kind: 'stored' }
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
        this.#parts.vault.transaction((tx) => postponeLane(tx, job.lane, until))
        this.#parts.changed([job])
        return false
      }
      case 'repair':
        return false
    }
    return exhausted(step)
  }

  #fail(job: Job, code: ErrorCode): void {
    const lines = this.#parts.vault.transaction((tx) => giveUp(tx, job, code, this.#parts))
    this.#parts.changed([job])
    for (const { conversationId, position } of lines) this.#parts.noted(conversationId, position)
  }
}

/** The first ones that are what their kind demands: another one fails alone when its turn comes. SECURITY 12. */
function properOnes(jobs: readonly Job[]): readonly Job[] {
  const improper = jobs.findIndex((job) => !isProperJob(job))
  return improper === -1 ? jobs : jobs.slice(0, improper)
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
        // Taken back or out of time since: it did not leave.
        if (readJob(tx, job.jobId) === null) continue
        this.#parts.retries.log(tx, job)
        deleteJob(tx, job.jobId)
        this.#parts.posting.shareSent(tx, job)
        if (job.messagePosition === null) continue
        advanceDelivery(tx, job.messagePosition, 'sent')
        // It disappears so long after it has left, and never before.
        startTimer(tx, job.messagePosition, this.#parts.clock.now())
      }
    })
    this.#parts.reach('send.settled')
    this.#parts.changed(jobs)
  }
}

/** What a failure before the put means for the head of the lane; null: wait until it is woken. */
function stepAfter(error: unknown, attempts: number): NextStep | null {
  if (!(error instanceof CodedError)) throw error
  switch (error.code) {
    case 'relay.unreachable':
    case 'relay.certificate':
    // The account's own key was replaced meanwhile: the lane is woken, and encrypts anew.
    case 'identity.superseded':
      return null
    case 'identity.changed':
      return { kind: 'postpone', waitMs: heldMs }
    case 'bundle.malformed':
    case 'bundle.signature':
    case 'bundle.noKyberKey':
    case 'device.attestation':
    case 'content.tooLarge':
      return { kind: 'fail', code: error.code }
    default: {
      const { seconds } = error.details
      return afterRefusal(error.code, typeof seconds === 'number' ? seconds * 1_000 : 0, attempts, random())
    }
  }
}

function random(): number {
  return randomInt(1_000_000) / 1_000_000
}
