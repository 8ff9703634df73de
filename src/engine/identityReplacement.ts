import { randomBytes } from 'node:crypto'
import { sameBytes, toBase64Url, toHex, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { z } from 'zod'
import { keyToken } from '../journal/index.ts'
import { identityPublicKey, makeKeys, newFirstKeyId, newIdentityKeyPair } from '../protocol/keys.ts'
import { accessKeyHash, accessKeyOf, newProfileKey } from '../protocol/profileKey.ts'
import type { Protocol, Turn } from '../protocol/protocol.ts'
import type { Sql } from '../storage/binding.ts'
import { updateIdentity, updateProfileKey } from '../storage/repositories/account.ts'
import { readConversations } from '../storage/repositories/conversations.ts'
import {
  deleteJob,
  deleteLane,
  dropAllCiphertexts,
  encryptedJobs,
  jobsAbout,
  type Job,
} from '../storage/repositories/outbox.ts'
import { readOwnDevices, replaceOwnDevices } from '../storage/repositories/ownDevices.ts'
import { forgetSetting, readSetting, writeSetting } from '../storage/repositories/settings.ts'
import type { Tx, Vault } from '../storage/vault.ts'
import type { RouteBody } from '../wire/http.ts'
import { limits } from '../wire/limits.ts'
import type { Alerts } from './alerts.ts'
import { attestationOf } from './enrolment.ts'
import type { Journal } from './journal.ts'
import { expectNobody, ownLane, type Posting } from './posting.ts'
import type { RelayConnection } from './relay/connection.ts'
import type { Retries } from './retries.ts'
import { stored, type Self } from './self.ts'

/** How many identity keys before the present one still open what was sealed for them. */
const previousKept = 3
/** How often the keys are offered to a device before the account goes on without it: about a quarter of a minute in all. */
const handoverTries = 5
/** Keys that were handed over and that the relay has not taken; other devices may decide at the same time. */
const comingKept = 4

interface ReplacementParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly connection: RelayConnection
  readonly journal: Journal
  readonly clock: Clock
  readonly self: Self
  readonly posting: Posting
  readonly alerts: Alerts
  readonly retries: Retries
  /** Jobs were added. */
  readonly wake: () => void
  /** The account's new key is in use here. */
  readonly replaced: () => void
}

/** What is under way, as the vault keeps it: a crash or a lost answer goes on where it stood. */
const pendingSchema = z.strictObject({
  identityKeyPair: z.string(),
  profileKey: z.string(),
  /** Device ids that were lost. */
  lost: z.array(z.int()),
  /** Device ids that stay: those that the person knew when they decided. Whoever was linked since may be the thief's. */
  keep: z.array(z.int()),
  /** Of the content that hands the keys over to them, hex. */
  handover: z.string(),
})
type Pending = z.infer<typeof pendingSchema>

/**
 * A new identity key for the account after a device was lost: the thief has the old one. First the account's other devices
 * are handed the new keys over the sessions that they still have, then the relay takes the key and removes every device
 * that was not handed it, then contacts are told; they decide about it like about any change (SECURITY 5).
 */
export class IdentityReplacement {
  readonly #parts: ReplacementParts
  #running: Promise<void> | null = null

  constructor(parts: ReplacementParts) {
    this.#parts = parts
  }

  /**
   * Decides on it, durably, before the lost device is taken off the account; `resume` carries it out. A second device that
   * is lost meanwhile goes with the first: a key that the relay may have taken already is never put aside.
   */
  begin(lostDevice: number): void {
    const { vault, self } = this.#parts
    vault.transaction((tx) => {
      const before = readPending(tx)
      deleteLane(tx, ownLane(self.accountId, lostDevice))
      if (before === null) {
        const identityKeyPair = toHex(newIdentityKeyPair())
        const profileKey = toHex(newProfileKey())
        this.#handOver(tx, { identityKeyPair, profileKey, lost: [lostDevice], keep: this.#others(tx) })
      } else {
        writePending(tx, { ...before, lost: [...before.lost, lostDevice] })
      }
    })
    this.#parts.wake()
  }

  #others(tx: Tx): number[] {
    const ids = readOwnDevices(tx).map(({ deviceId }) => deviceId)
    return ids.filter((deviceId) => deviceId !== this.#parts.self.deviceId)
  }

  /** To those that stay. What was to be handed over before goes. */
  #handOver(tx: Tx, decided: Omit<Pending, 'handover'>): void {
    const before = readPending(tx)
    if (before !== null) for (const { jobId } of handoverJobs(tx, before)) deleteJob(tx, jobId)
    const keep = decided.keep.filter((deviceId) => !decided.lost.includes(deviceId))
    const pending = { ...decided, keep, handover: toHex(randomBytes(16)) }
    writePending(tx, pending)
    const body = {
      kind: 'accountKeys',
      identityKeyPair: stored(pending.identityKeyPair),
      profileKey: stored(pending.profileKey),
      changedAt: this.#parts.clock.now(),
    } as const
    for (const deviceId of keep) this.#parts.posting.toOwnDevice(tx, deviceId, body, stored(pending.handover))
  }

  /** Goes on with what is under way, if anything is; called at each connection and whenever something has left. */
  async resume(): Promise<void> {
    this.#running ??= this.#step().finally(() => {
      this.#running = null
    })
    await this.#running
  }

  async #step(): Promise<void> {
    const { sql } = this.#parts.vault
    if (handedOver(sql).length > 0) await this.#adopt()
    const pending = readPending(sql)
    if (pending === null) return
    await this.#removeLost(pending)
    // The other devices first: afterwards nothing that this one sends is believed by who knows the old key alone.
    const waiting = handoverJobs(sql, pending)
    if (waiting.some(({ attempts }) => attempts < handoverTries)) return
    const unreached = waiting.map(({ onlyDevice }) => onlyDevice)
    const gone = [...pending.lost, ...unreached]
    await this.#replace(
      pending,
      pending.keep.filter((deviceId) => !gone.includes(deviceId)),
    )
  }

  async #removeLost({ lost }: Pending): Promise<void> {
    const { connection } = this.#parts
    const listed = (await connection.request('devices')).devices.map(({ deviceId }) => deviceId)
    for (const deviceId of lost.filter((one) => listed.includes(one))) {
      await connection.request('removeDevice', { query: { deviceId: String(deviceId) } })
    }
  }

  async #replace(pending: Pending, keep: readonly number[]): Promise<void> {
    const { connection, self } = this.#parts
    const identityKeyPair = stored(pending.identityKeyPair)
    const profileKey = stored(pending.profileKey)
    const identityKey = toBase64Url(identityPublicKey(identityKeyPair))
    const keys = await this.#keysFor(identityKeyPair)
    const attestation = attestationOf({ ...self.account, identityKeyPair })
    const listed = await connection.request('devices')
    if (listed.identityKey === identityKey) {
      // The relay took it and its answer was lost: only this device's keys are in doubt.
      await connection.request('adoptIdentity', { body: { identityKey, attestation, keys } })
    } else {
      const previousIdentityKey = toBase64Url(self.identityKey())
      const hash = toBase64Url(accessKeyHash(accessKeyOf(profileKey)))
      await connection.request('replaceIdentity', {
        body: {
          keep: [...keep],
          previousIdentityKey,
          identityKey,
          attestation,
          accessKeyHash: hash,
          keys,
        },
      })
    }
    await this.#take(identityKeyPair, (tx) => {
      forgetSetting(tx, 'replacingIdentity')
      forgetSetting(tx, 'adoptIdentity')
      updateProfileKey(tx, profileKey)
      const unreached = pending.keep.filter((deviceId) => !keep.includes(deviceId))
      this.#goWithout(tx, unreached)
      this.#tellContacts(tx)
    })
  }

  /** The relay has removed them; the person is told, for they have to link them again. */
  #goWithout(tx: Tx, unreached: readonly number[]): void {
    const { journal, alerts, clock, self } = this.#parts
    const known = readOwnDevices(tx)
    const { removed } = replaceOwnDevices(
      tx,
      known.filter(({ deviceId }) => !unreached.includes(deviceId)),
      clock.now(),
    )
    for (const { deviceId, name } of removed) {
      deleteLane(tx, ownLane(self.accountId, deviceId))
      const payload = { deviceId, reason: 'unreached' } as const
      journal.append(tx, () => ({ type: 'device.removed', actor: 'device', payload }))
      alerts.add(tx, 'deviceRemoved', name)
    }
  }

  /** Another device has replaced it and handed it over; the list changes when the relay has taken it. */
  async #adopt(): Promise<void> {
    const { connection, self, vault } = this.#parts
    const { identityKey } = await connection.request('devices')
    const identityKeyPair = handedOver(vault.sql).find(
      (pair) => toBase64Url(identityPublicKey(pair)) === identityKey,
    )
    if (identityKeyPair === undefined) return
    const keys = await this.#keysFor(identityKeyPair)
    await connection.request('adoptIdentity', {
      body: { identityKey, attestation: attestationOf({ ...self.account, identityKeyPair }), keys },
    })
    await this.#take(identityKeyPair, (tx) => {
      forgetSetting(tx, 'adoptIdentity')
      const pending = readPending(tx)
      // What this device has decided on itself is to follow; under the key that it has from now on.
      if (pending !== null) this.#handOver(tx, pending)
    })
  }

  /** Prekeys signed by the new key, committed before they are published. Made anew where an answer was lost. */
  async #keysFor(identityKeyPair: Bytes): Promise<RouteBody<'adoptIdentity'>['keys']> {
    const { protocol, vault, clock } = this.#parts
    const upload = await protocol.exclusively(async (turn) => {
      const firstKeyId = Number(readSetting(vault.sql, 'nextKeyId') ?? newFirstKeyId())
      const order = {
        firstKeyId,
        oneTime: limits.oneTimePreKeysPerUpload,
        lasting: true,
        replaceOneTime: true,
      }
      const made = makeKeys(turn.writes, identityKeyPair, order, clock.now())
      turn.writes.write((tx) => writeSetting(tx, 'nextKeyId', String(made.nextKeyId)))
      turn.writes.commit()
      return made.upload
    })
    const { signedPreKey, lastResortKyberPreKey } = upload
    if (signedPreKey === undefined || lastResortKyberPreKey === undefined) throw new CodedError('internal')
    return { ...upload, signedPreKey, lastResortKyberPreKey }
  }

  async #take(identityKeyPair: Bytes, also: (tx: Tx) => void): Promise<void> {
    const { protocol, journal, self, alerts, vault } = this.#parts
    const previous = self.account.identityKeyPair
    await protocol.adoptIdentity(identityKeyPair, (turn: Turn) => {
      journal.note(turn.writes, (salt) => ({
        type: 'identity.replaced',
        actor: 'device',
        payload: { key: keyToken(salt, identityPublicKey(identityKeyPair)) },
      }))
      turn.writes.write((tx) => {
        updateIdentity(tx, identityKeyPair)
        const kept = [toHex(previous), ...previousIdentities(vault.sql).map(toHex)].slice(0, previousKept)
        writeSetting(tx, 'previousIdentities', JSON.stringify(kept))
        alerts.add(tx, 'identityReplaced')
        also(tx)
        // The relay takes nobody any more who was let in under the old key.
        expectNobody(tx, self.accountId)
        this.#encryptAnew(tx)
      })
    })
    await journal.flush()
    alerts.tell()
    this.#parts.replaced()
    this.#parts.wake()
  }

  /**
   * What was encrypted under the old key and has not left: the certificate of the new one would contradict it. It may be on
   * its way at this moment, so it may also be asked for; whoever gets both knows them for one message.
   */
  #encryptAnew(tx: Tx): void {
    for (const job of encryptedJobs(tx)) {
      this.#parts.retries.log(tx, job)
      dropAllCiphertexts(tx, job.jobId)
    }
  }

  /** Under the new key, with the new access key: whoever stole the device knows the old ones. */
  #tellContacts(tx: Tx): void {
    for (const { conversationId, accepted, blocked } of readConversations(tx)) {
      if (!accepted || blocked) continue
      this.#parts.posting.toAccount(tx, conversationId, {
        kind: 'profileKey',
        body: { kind: 'profileKeyUpdate' },
      })
    }
  }
}

/** Identity key pairs that the present one has replaced, newest first. */
export function previousIdentities(sql: Sql): Bytes[] {
  const kept = z.array(z.string()).parse(JSON.parse(readSetting(sql, 'previousIdentities') ?? '[]'))
  return kept.map(stored)
}

/** True for a device that was lost, and for which the account's key is being replaced. */
export function isBeingReplacedFor(sql: Sql, deviceId: number): boolean {
  return readPending(sql)?.lost.includes(deviceId) === true
}

/** Those that are about to become the present one: handed over to this device, or decided on here. */
export function comingIdentities(sql: Sql): Bytes[] {
  const pending = readPending(sql)
  return [...handedOver(sql), ...(pending === null ? [] : [stored(pending.identityKeyPair)])]
}

/** An identity key pair that another device of the account hands over; the relay says whether and when it counts. */
export function takeHandover(tx: Tx, identityKeyPair: Bytes): void {
  const others = handedOver(tx).filter((pair) => !sameBytes(pair, identityKeyPair))
  const newestFirst = [identityKeyPair, ...others].slice(0, comingKept)
  writeSetting(tx, 'adoptIdentity', JSON.stringify(newestFirst.map(toHex)))
}

function handedOver(sql: Sql): Bytes[] {
  return z
    .array(z.string())
    .parse(JSON.parse(readSetting(sql, 'adoptIdentity') ?? '[]'))
    .map(stored)
}

function handoverJobs(sql: Sql, { handover }: Pending): Job[] {
  return jobsAbout(sql, stored(handover))
}

function writePending(tx: Tx, pending: Pending): void {
  writeSetting(tx, 'replacingIdentity', JSON.stringify(pending))
}

function readPending(sql: Sql): Pending | null {
  const text = readSetting(sql, 'replacingIdentity')
  return text === null ? null : pendingSchema.parse(JSON.parse(text))
}
