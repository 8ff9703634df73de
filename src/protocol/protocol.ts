import { IdentityKeyPair } from '@signalapp/libsignal-client'
import type { Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { VaultRecords } from '../storage/writeSet.ts'
import type { Address } from './address.ts'
import { CertificateJudge } from './certificateJudge.ts'
import { deleteSessions } from './retiredSessions.ts'
import type { LocalIdentity } from './stores.ts'
import { Turn } from './turn.ts'

export { bundleIdentityKey } from './bundle.ts'
export type { Opened, OpenResult, Refused, RetryRequested } from './opening.ts'
export type { Turn } from './turn.ts'

/** Runs one task after another (`SerialQueue`). */
export interface Lane {
  run<T>(task: () => Promise<T>): Promise<T>
}

export interface LocalDevice extends Address {
  readonly registrationId: number
  readonly identityKeyPair: Bytes
  /** Key pairs that are about to become the account's: the relay may give them out before this device has taken them. */
  readonly comingIdentityKeyPairs?: () => readonly Bytes[]
  /** Key pairs of this account that were superseded lately: what was sealed for them still opens. */
  readonly previousIdentityKeyPairs?: readonly Bytes[]
  /** Public trust root of the relay's certificates, pinned at enrolment. */
  readonly trustRoot: Bytes
}

/**
 * libsignal behind one queue and one write-set a turn.
 * SECURITY 4: nothing of libsignal that touches a session can be reached but through `exclusively`.
 */
export class Protocol {
  readonly #records: VaultRecords
  readonly #local: LocalDevice
  readonly #lane: Lane
  readonly #clock: Clock
  readonly #judge: CertificateJudge
  #identity: LocalIdentity
  #previousIdentities: readonly LocalIdentity[]

  constructor(records: VaultRecords, local: LocalDevice, lane: Lane, clock: Clock) {
    this.#records = records
    this.#local = local
    this.#judge = new CertificateJudge(local.trustRoot)
    this.#identity = this.#localIdentity(local.identityKeyPair)
    this.#previousIdentities = (local.previousIdentityKeyPairs ?? []).map((pair) => this.#localIdentity(pair))
    this.#lane = lane
    this.#clock = clock
  }

  /**
   * Gives the task the sessions for itself, over a new write-set. The task commits; what it does not commit
   * never happened. The turn is worthless after the task has ended.
   */
  exclusively<T>(task: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#lane.run(() => this.#turn(task))
  }

  /**
   * The account has a new identity key: all sessions are retired, those with its own other devices deleted, and later
   * turns use the new key. `write` adds what must become durable in the same commit (the account's row, new prekeys); it
   * does not commit. When that fails, the old key stays in use.
   */
  adoptIdentity(identityKeyPair: Bytes, write: (turn: Turn) => void): Promise<void> {
    return this.#lane.run(async () => {
      const next = this.#localIdentity(identityKeyPair)
      await this.#turn(async (turn) => {
        deleteSessions(turn.writes, this.#local.accountId)
        turn.retireSessions()
        write(turn)
        turn.writes.commit()
      })
      this.#previousIdentities = [this.#identity, ...this.#previousIdentities]
      this.#identity = next
    })
  }

  async #turn<T>(task: (turn: Turn) => Promise<T>): Promise<T> {
    const { accountId, deviceId } = this.#local
    const device = {
      accountId,
      deviceId,
      judge: this.#judge,
      identity: this.#identity,
      previousIdentities: [...this.#comingIdentities(), ...this.#previousIdentities],
    }
    const turn = new Turn(this.#records.begin(), device, this.#clock.now())
    try {
      return await task(turn)
    } finally {
      turn.end()
    }
  }

  #comingIdentities(): readonly LocalIdentity[] {
    return (this.#local.comingIdentityKeyPairs?.() ?? []).map((pair) => this.#localIdentity(pair))
  }

  #localIdentity(identityKeyPair: Bytes): LocalIdentity {
    const { accountId, registrationId } = this.#local
    return { accountId, registrationId, keyPair: IdentityKeyPair.deserialize(identityKeyPair) }
  }
}
