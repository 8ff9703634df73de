import { randomBytes } from 'node:crypto'
import { copyBytes, fromBase64Url, sameBytes, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { keyToken, peerToken } from '../../journal/index.ts'
import type { SystemNote } from '../../contract/index.ts'
import type { Address } from '../../protocol/address.ts'
import { readBundle } from '../../protocol/bundle.ts'
import { bundleIdentityKey, type Protocol, type Turn } from '../../protocol/protocol.ts'
import { sessionDevices } from '../../storage/records.ts'
import { readConversation } from '../../storage/repositories/conversations.ts'
import { advanceDelivery, insertMessage } from '../../storage/repositories/messages.ts'
import {
  dropCiphertexts,
  leaseJobs,
  readJob,
  storeCiphertexts,
  type Job,
  type JobCiphertext,
  type Lease,
} from '../../storage/repositories/outbox.ts'
import { removePeerDevices } from '../../storage/repositories/peerDevices.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import type { Bundle } from '../../wire/http.ts'
import type { Access } from './access.ts'
import type { ReachPoint } from '../crashPoints.ts'
import type { Journal } from '../profile/journal.ts'
import { notePeerDevice } from '../conversations/peerDevices.ts'
import type { AnonymousConnection } from '../relay/anonymousConnection.ts'
import type { LiveConnection, RelayConnection } from '../relay/connection.ts'
import type { Self } from '../account/self.ts'
import { systemLine } from '../conversations/systemLine.ts'

/** libsignal's CiphertextMessageType of what is sealed without being encrypted: a request to send again. */
const plaintextType = 8
/** How often sessions are begun for one attempt: a request to send again may take them away at any moment. */
const startsInARow = 3

/** Makes sessions with other devices and encrypts jobs for them. */
export class Sessions {
  readonly #vault: Vault
  readonly #protocol: Protocol
  readonly #connection: RelayConnection
  readonly #journal: Journal
  readonly #reach: ReachPoint
  readonly #self: Self
  readonly #access: Access
  readonly #anonymous: AnonymousConnection
  readonly #clock: Clock
  readonly #noted: (conversationId: string, position: number | null) => void

  constructor(parts: {
    readonly vault: Vault
    readonly protocol: Protocol
    readonly connection: RelayConnection
    readonly journal: Journal
    readonly reach: ReachPoint
    readonly self: Self
    readonly access: Access
    readonly anonymous: AnonymousConnection
    readonly clock: Clock
    /** A line was added to this conversation. */
    readonly noted: (conversationId: string, position: number | null) => void
  }) {
    this.#vault = parts.vault
    this.#protocol = parts.protocol
    this.#connection = parts.connection
    this.#journal = parts.journal
    this.#reach = parts.reach
    this.#self = parts.self
    this.#access = parts.access
    this.#anonymous = parts.anonymous
    this.#clock = parts.clock
    this.#noted = parts.noted
  }

  /**
   * Encrypts the new ones of these jobs of one destination, in order, in one transaction (SECURITY 3), and holds them under
   * the lease. Starts sessions first where there are none. Throws the codes of bundles and of the relay, and `identity.changed`.
   */
  async encrypt(jobs: readonly Job[], live: LiveConnection, lease: Lease): Promise<void> {
    const fresh = jobs.filter((job) => job.status === 'new')
    const [first] = fresh
    if (first === undefined) return
    const accountId = first.destination
    for (let tries = 1; tries <= startsInARow; tries += 1) {
      await this.#startMissing(accountId, fresh, live)
      try {
        if (await this.#encryptAll(accountId, fresh, lease)) return
      } catch (error) {
        // A session that was never answered for 30 days encrypts no more (libsignal.md 4.14): begin again.
        if (!(error instanceof CodedError) || error.code !== 'session.tooOld') throw error
        await this.#startAll(accountId, live)
      }
    }
    throw new CodedError('relay.unavailable')
  }

  /** Corrects what was made for a job after the relay has said which devices there are. */
  async repair(
    job: Job,
    make: readonly number[],
    drop: readonly number[],
    live: LiveConnection,
  ): Promise<void> {
    const accountId = job.destination
    const bundle = make.length === 0 ? null : await this.#fetchBundle(accountId, live)
    await this.#protocol.exclusively(async (turn) => {
      for (const deviceId of drop) turn.dropSession({ accountId, deviceId })
      turn.writes.write((tx) => removePeerDevices(tx, accountId, drop))
      const devices = bundle?.devices.filter((device) => make.includes(device.deviceId)) ?? []
      if (bundle !== null) await this.#startSessions(turn, accountId, { ...bundle, devices })
      const made: JobCiphertext[] = []
      for (const { deviceId } of devices) made.push(await ciphertext(turn, { accountId, deviceId }, job))
      if (readJob(this.#vault.sql, job.jobId) === null) return
      turn.writes.write((tx) => {
        dropCiphertexts(tx, job.jobId, drop)
        storeCiphertexts(tx, job.jobId, made)
      })
      turn.writes.commit()
      this.#reach('repair.committed')
    })
    await this.#journal.flush()
  }

  /** False, and nothing is done, when the sessions with a contact went while this turn was waited for. */
  async #encryptAll(accountId: string, jobs: readonly Job[], lease: Lease): Promise<boolean> {
    return await this.#protocol.exclusively(async (turn) => {
      const devices = sessionDevices(this.#vault.sql, accountId)
      const isForAll = jobs.some(({ onlyDevice }) => onlyDevice === null)
      if (devices.length === 0 && isForAll && accountId !== this.#self.accountId) return false
      for (const job of jobs) {
        // It may have been deleted, or encrypted, while this turn was waited for.
        if (readJob(this.#vault.sql, job.jobId)?.status !== 'new') continue
        const made: JobCiphertext[] = []
        // What is for a device that is no more gets none, and must not hold up the lane.
        for (const deviceId of devices.filter((one) => job.onlyDevice === null || job.onlyDevice === one))
          made.push(await ciphertext(turn, { accountId, deviceId }, job))
        turn.writes.write((tx) => {
          storeCiphertexts(tx, job.jobId, made)
          leaseJobs(tx, [job.jobId], lease)
          if (job.messagePosition !== null) advanceDelivery(tx, job.messagePosition, 'sending')
        })
      }
      this.#reach('send.encrypted')
      turn.writes.commit()
      this.#reach('send.committed')
      return true
    })
  }

  /** Sessions that the jobs need and that are not there: any at all for an account, or that of one device. */
  async #startMissing(accountId: string, jobs: readonly Job[], live: LiveConnection): Promise<void> {
    const lacking = (): boolean => {
      const devices = sessionDevices(this.#vault.sql, accountId)
      return jobs.some(({ onlyDevice }) =>
        onlyDevice === null ? devices.length === 0 : !devices.includes(onlyDevice),
      )
    }
    if (lacking()) await this.#startAll(accountId, live, lacking)
  }

  /** Of a bundle: what there is no session with yet, or all of it where the sessions are to begin anew. */
  #wantedOf(accountId: string, bundle: Bundle, anew: boolean): Bundle {
    const known = new Set(sessionDevices(this.#vault.sql, accountId))
    return { ...bundle, devices: bundle.devices.filter(({ deviceId }) => anew || !known.has(deviceId)) }
  }

  async #startAll(
    accountId: string,
    live: LiveConnection,
    wanted: (() => boolean) | null = null,
  ): Promise<void> {
    const bundle = await this.#fetchBundle(accountId, live)
    // An own device that has not taken up the account's new key yet has none to show: it is waited for.
    if (bundle.devices.length === 0 && accountId !== this.#self.accountId)
      throw new CodedError('recipient.unknown')
    await this.#protocol.exclusively(async (turn) => {
      // The other side may have begun while the bundle came: only its session reads what else it has sent.
      if (wanted !== null && !wanted()) return
      // Who is not in it is gone, or has no keys: a session with them would hold up all that comes after.
      const listed = new Set(bundle.devices.map(({ deviceId }) => deviceId))
      for (const deviceId of sessionDevices(this.#vault.sql, accountId)) {
        if (wanted === null && !listed.has(deviceId)) turn.renewSession({ accountId, deviceId })
      }
      await this.#startSessions(turn, accountId, this.#wantedOf(accountId, bundle, wanted === null))
      turn.writes.commit()
      this.#reach('session.committed')
    })
    await this.#journal.flush()
  }

  async #startSessions(turn: Turn, accountId: string, bundle: Bundle): Promise<void> {
    const key = bundleIdentityKey(bundle.identityKey)
    const known = turn.writes.identities.get(accountId)
    try {
      for (const device of bundle.devices) await turn.startSession(accountId, bundle.identityKey, device)
    } catch (error) {
      if (error instanceof CodedError && error.code === 'identity.changed') {
        this.#hold(turn, accountId, key)
        turn.writes.commit()
        await this.#journal.flush()
      }
      throw error
    }
    if (accountId !== this.#self.accountId) this.#noteDevices(turn, accountId, bundle)
    if (known === null && bundle.devices.length > 0) {
      this.#journal.note(turn.writes, (salt) => ({
        type: 'identity.firstSeen',
        actor: 'relay',
        payload: { peer: peerToken(salt, accountId), key: keyToken(salt, key) },
      }))
    }
  }

  #hold(turn: Turn, accountId: string, key: Bytes): void {
    const wasPending = turn.isIdentityPending(accountId)
    holdChangedIdentity(this.#journal, turn, accountId, key)
    if (!wasPending) this.#note(turn, { accountId, deviceId: 1 }, { kind: 'identityChanged' })
  }

  #noteDevices(turn: Turn, accountId: string, bundle: Bundle): void {
    for (const device of bundle.devices) {
      const { deviceId } = device
      const deviceKey = fromBase64Url(device.deviceKey)
      turn.writes.write((tx) => {
        const added = notePeerDevice(tx, this.#journal, { accountId, deviceId }, deviceKey, this.#clock.now())
        if (added) this.#insertNote(tx, { accountId, deviceId }, { kind: 'deviceAdded' })
      })
    }
  }

  #note(turn: Turn, author: Address, note: SystemNote): void {
    turn.writes.write((tx) => this.#insertNote(tx, author, note))
  }

  #insertNote(tx: Tx, author: Address, note: SystemNote): void {
    const { accountId } = author
    if (readConversation(tx, accountId) === null) return
    this.#noted(accountId, insertMessage(tx, systemLine(accountId, author, false, note, this.#clock.now())))
  }

  /** SECURITY 9: the relay is not told who asks for another account's keys. */
  async #fetchBundle(accountId: string, live: LiveConnection): Promise<Bundle> {
    if (accountId === this.#self.accountId) return readBundle(await this.#connection.requestRaw('ownBundle'))
    return await this.#access.spend(accountId, live, async (authorisation) =>
      readBundle(await this.#anonymous.bundle(accountId, authorisation)),
    )
  }
}

/** SECURITY 5: holds an account whose identity key is not the known one, and journals each such key. */
export function holdChangedIdentity(journal: Journal, turn: Turn, accountId: string, key: Bytes): void {
  const known = turn.writes.identities.get(accountId)
  if (known === null || (known.changedKey !== null && sameBytes(known.changedKey, key))) return
  turn.holdIdentity(accountId, key)
  journal.note(turn.writes, (salt) => ({
    type: 'identity.changed',
    actor: 'relay',
    payload: {
      peer: peerToken(salt, accountId),
      previousKey: keyToken(salt, known.identityKey),
      key: keyToken(salt, key),
    },
  }))
}

async function ciphertext(
  turn: Turn,
  to: Address,
  { kind, content }: Pick<Job, 'kind' | 'content'>,
): Promise<JobCiphertext> {
  const envelopeId = copyBytes(randomBytes(16))
  // Nothing of a request to send again is secret but who asks, and that is sealed; it takes no ratchet step.
  const inner =
    kind === 'retryRequest'
      ? { type: plaintextType, ciphertext: content, registrationId: await turn.registrationIdOf(to) }
      : await turn.encrypt(to, content)
  return { deviceId: to.deviceId, envelopeId, ...inner }
}
