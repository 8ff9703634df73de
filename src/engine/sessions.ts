import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { keyToken, peerToken } from '../journal/index.ts'
import { readBundle } from '../protocol/bundle.ts'
import { bundleIdentityKey, type Protocol, type Turn } from '../protocol/protocol.ts'
import { sessionDevices } from '../storage/records.ts'
import { advanceDelivery } from '../storage/repositories/messages.ts'
import {
  dropCiphertexts,
  readJob,
  storeCiphertexts,
  type Job,
  type JobCiphertext,
} from '../storage/repositories/outbox.ts'
import type { Vault } from '../storage/vault.ts'
import type { Bundle } from '../wire/http.ts'
import type { ReachPoint } from './crashPoints.ts'
import type { Journal } from './journal.ts'
import type { RelayConnection } from './relay/connection.ts'

/** Makes sessions with other accounts' devices and encrypts jobs for them. */
export class Sessions {
  readonly #vault: Vault
  readonly #protocol: Protocol
  readonly #connection: RelayConnection
  readonly #journal: Journal
  readonly #reach: ReachPoint

  constructor(parts: {
    readonly vault: Vault
    readonly protocol: Protocol
    readonly connection: RelayConnection
    readonly journal: Journal
    readonly reach: ReachPoint
  }) {
    this.#vault = parts.vault
    this.#protocol = parts.protocol
    this.#connection = parts.connection
    this.#journal = parts.journal
    this.#reach = parts.reach
  }

  /**
   * Encrypts the new ones of these jobs of one destination, in order, in one transaction (SECURITY 3). Starts
   * sessions first where there are none. Throws the codes of bundles and of the relay, and `identity.changed`.
   */
  async encrypt(jobs: readonly Job[]): Promise<void> {
    const fresh = jobs.filter((job) => job.status === 'new')
    const [first] = fresh
    if (first === undefined) return
    const accountId = first.destination
    if (sessionDevices(this.#vault.sql, accountId).length === 0) await this.#startMissing(accountId)
    try {
      await this.#encryptAll(accountId, fresh)
    } catch (error) {
      // A session that was never answered for 30 days encrypts no more (libsignal.md 4.14): begin again.
      if (!(error instanceof CodedError) || error.code !== 'session.tooOld') throw error
      await this.#startAll(accountId)
      await this.#encryptAll(accountId, fresh)
    }
  }

  /** Corrects what was made for a job after the relay has said which devices there are. */
  async repair(job: Job, make: readonly number[], drop: readonly number[]): Promise<void> {
    const accountId = job.destination
    const bundle = make.length === 0 ? null : await this.#fetchBundle(accountId)
    await this.#protocol.exclusively(async (turn) => {
      for (const deviceId of drop) turn.dropSession({ accountId, deviceId })
      const devices = bundle?.devices.filter((device) => make.includes(device.deviceId)) ?? []
      if (bundle !== null) await this.#startSessions(turn, accountId, { ...bundle, devices })
      const made: JobCiphertext[] = []
      for (const { deviceId } of devices)
        made.push(await ciphertext(turn, { accountId, deviceId }, job.content))
      if (readJob(this.#vault.sql, job.jobId) === null) return
      turn.writes.write((tx) => {
        dropCiphertexts(tx, job.jobId, drop)
        storeCiphertexts(tx, job.jobId, made)
      })
      turn.writes.commit()
    })
    await this.#journal.flush()
  }

  async #encryptAll(accountId: string, jobs: readonly Job[]): Promise<void> {
    await this.#protocol.exclusively(async (turn) => {
      const devices = sessionDevices(this.#vault.sql, accountId)
      for (const job of jobs) {
        // It may have been deleted, or encrypted, while this turn was waited for.
        if (readJob(this.#vault.sql, job.jobId)?.status !== 'new') continue
        const made: JobCiphertext[] = []
        for (const deviceId of devices)
          made.push(await ciphertext(turn, { accountId, deviceId }, job.content))
        turn.writes.write((tx) => {
          storeCiphertexts(tx, job.jobId, made)
          if (job.messagePosition !== null) advanceDelivery(tx, job.messagePosition, 'sending')
        })
      }
      this.#reach('send.encrypted')
      turn.writes.commit()
      this.#reach('send.committed')
    })
  }

  #startMissing(accountId: string): Promise<void> {
    return this.#startAll(accountId, () => sessionDevices(this.#vault.sql, accountId).length === 0)
  }

  async #startAll(accountId: string, wanted: () => boolean = () => true): Promise<void> {
    const bundle = await this.#fetchBundle(accountId)
    if (bundle.devices.length === 0) throw new CodedError('recipient.unknown')
    await this.#protocol.exclusively(async (turn) => {
      // The other side may have begun while the bundle came: only its session reads what else it has sent.
      if (!wanted()) return
      await this.#startSessions(turn, accountId, bundle)
      turn.writes.commit()
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
        holdChangedIdentity(this.#journal, turn, accountId, key)
        turn.writes.commit()
        await this.#journal.flush()
      }
      throw error
    }
    if (known === null && bundle.devices.length > 0) {
      this.#journal.note(turn.writes, (salt) => ({
        type: 'identity.firstSeen',
        actor: 'relay',
        payload: { peer: peerToken(salt, accountId), key: keyToken(salt, key) },
      }))
    }
  }

  async #fetchBundle(accountId: string): Promise<Bundle> {
    return readBundle(await this.#connection.requestRaw('bundle', { query: { accountId } }))
  }
}

/** SECURITY 5: holds an account whose identity key is not the known one, and journals it once. */
export function holdChangedIdentity(journal: Journal, turn: Turn, accountId: string, key: Bytes): void {
  const known = turn.writes.identities.get(accountId)
  if (known === null || known.changedKey !== null) return
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
  to: { readonly accountId: string; readonly deviceId: number },
  content: Bytes,
): Promise<JobCiphertext> {
  const inner = await turn.encrypt(to, content)
  return { deviceId: to.deviceId, envelopeId: copyBytes(randomBytes(16)), ...inner }
}
