import { toBase64Url, toHex, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { keyToken } from '../../journal/index.ts'
import { identityPublicKey, makeKeys, newFirstKeyId } from '../../protocol/keys.ts'
import { accessKeyHash, accessKeyOf } from '../../protocol/profileKey.ts'
import type { Protocol, Turn } from '../../protocol/protocol.ts'
import { updateIdentity, updateProfileKey } from '../../storage/repositories/account.ts'
import { readConversations } from '../../storage/repositories/conversations.ts'
import {
  deleteJob,
  deleteLane,
  dropAllCiphertexts,
  encryptedJobs,
  laneAttempts,
  makeLaneDue,
} from '../../storage/repositories/outbox.ts'
import { readOwnDevices, replaceOwnDevices } from '../../storage/repositories/ownDevices.ts'
import { forgetSetting, readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import type { RouteAnswer, RouteBody } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import type { Alerts } from '../views/alerts.ts'
import { attestationOf } from './enrolment.ts'
import type { Journal } from '../profile/journal.ts'
import {
  comingIdentities,
  handedOver,
  handoverJobs,
  newPending,
  previousIdentities,
  readPending,
  writePending,
  type Pending,
} from './pendingIdentity.ts'
import { comingDeviceId, expectNobody, ownLane, type Posting } from '../sending/posting.ts'
import type { RelayConnection } from '../relay/connection.ts'
import type { Retries } from '../receiving/retries.ts'
import { stored, type Self } from './self.ts'

/** How many identity keys before the present one still open what was sealed for them. */
const previousKept = 3
/** How often in a row the keys are offered to a device before the account goes on without it (`jobBackOff`). */
const handoverTries = 5

type Listed = RouteAnswer<'devices'>

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

  /** New keys are on their way: decided on here, or handed over by another device. */
  get isUnderWay(): boolean {
    const { sql } = this.#parts.vault
    return readPending(sql) !== null || handedOver(sql).length > 0
  }

  /**
   * Decides on it, durably, before the lost device is taken off the account; `resume` carries it out. A key that the relay
   * may have taken already is never put aside: when a device that may know it is lost meanwhile, another one follows it.
   */
  begin(lostDevice: number): void {
    const { vault, self } = this.#parts
    vault.transaction((tx) => {
      const before = readPending(tx)
      deleteLane(tx, ownLane(self.accountId, lostDevice))
      if (before === null) this.#handOver(tx, newPending([lostDevice], this.#others(tx)))
      else writePending(tx, { ...before, lost: [...before.lost, lostDevice] })
    })
    this.#parts.wake()
  }

  #others(tx: Tx): number[] {
    const ids = readOwnDevices(tx).map(({ deviceId }) => deviceId)
    return ids.filter((deviceId) => deviceId !== this.#parts.self.deviceId)
  }

  /** To those that stay. What was to be handed over before goes. */
  #handOver(tx: Tx, pending: Pending): void {
    const { posting, clock, self } = this.#parts
    const before = readPending(tx)
    if (before !== null) for (const { jobId } of handoverJobs(tx, before)) deleteJob(tx, jobId)
    writePending(tx, pending)
    const body = {
      kind: 'accountKeys',
      identityKeyPair: stored(pending.identityKeyPair),
      profileKey: stored(pending.profileKey),
      changedAt: clock.now(),
    } as const
    for (const deviceId of pending.keep) {
      posting.toOwnDevice(tx, deviceId, body, stored(pending.handover))
      makeLaneDue(tx, ownLane(self.accountId, deviceId))
    }
  }

  /** Goes on with what is under way, if anything is; called at each connection and whenever something has left. */
  async resume(): Promise<void> {
    this.#running ??= this.#step().finally(() => {
      this.#running = null
    })
    await this.#running
  }

  async #step(): Promise<void> {
    if (!this.isUnderWay) return
    const { connection, vault } = this.#parts
    const listed = await connection.request('devices')
    await this.#adopt(listed)
    const pending = readPending(vault.sql)
    // Where the relay names yet another key: another device was quicker, and hands it over.
    if (pending === null || !this.#isOurs(listed.identityKey)) return
    await this.#removeLost(pending, listed)
    const unreached = this.#unreached(pending)
    if (unreached === null) return
    const gone = [...pending.lost, ...unreached]
    const keep = pending.keep.filter((deviceId) => !gone.includes(deviceId))
    await this.#replace(pending, listed, keep)
  }

  #isOurs(identityKey: string): boolean {
    const { self, vault } = this.#parts
    const ours = [self.account.identityKeyPair, ...comingIdentities(vault.sql)]
    return ours.some((pair) => toBase64Url(identityPublicKey(pair)) === identityKey)
  }

  async #removeLost({ lost }: Pending, { devices }: Listed): Promise<void> {
    for (const deviceId of lost.filter((one) => devices.some((device) => device.deviceId === one))) {
      await this.#parts.connection.request('removeDevice', { query: { deviceId: String(deviceId) } })
    }
  }

  /**
   * The devices that the keys could not be sent to; null while that is still being tried. The others first: afterwards
   * nothing that this device sends is believed by who knows the old key alone.
   */
  #unreached(pending: Pending): number[] | null {
    const { vault, self } = this.#parts
    const waiting = handoverJobs(vault.sql, pending).flatMap(({ onlyDevice }) => onlyDevice ?? [])
    // What is ahead of the keys in the lane waits for the same reason, and is what is tried.
    const tries = waiting.map((deviceId) => laneAttempts(vault.sql, ownLane(self.accountId, deviceId)))
    return tries.every((count) => count >= handoverTries) ? waiting : null
  }

  async #replace(pending: Pending, listed: Listed, keep: readonly number[]): Promise<void> {
    const { connection, self } = this.#parts
    const identityKeyPair = stored(pending.identityKeyPair)
    const profileKey = stored(pending.profileKey)
    const identityKey = toBase64Url(identityPublicKey(identityKeyPair))
    const keys = await this.#keysFor(identityKeyPair)
    const attestation = attestationOf({ ...self.account, identityKeyPair })
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
      const decided = readPending(tx) ?? pending
      forgetSetting(tx, 'adoptIdentity')
      // The relay takes nobody any more who was let in under the old key.
      expectNobody(tx, self.accountId)
      updateProfileKey(tx, profileKey)
      this.#goWithout(tx, decided.lost, keep)
      this.#tellContacts(tx)
      // One that was lost since may know these keys already.
      const isKnown = decided.lost.some((deviceId) => decided.keep.includes(deviceId))
      if (isKnown) this.#handOver(tx, newPending(decided.lost, keep))
      else forgetSetting(tx, 'replacingIdentity')
    })
  }

  /** The relay has removed all but those that stay; the person is told of whom they have to link again. SECURITY 13. */
  #goWithout(tx: Tx, lost: readonly number[], keep: readonly number[]): void {
    const { journal, alerts, clock, self } = this.#parts
    const stay = readOwnDevices(tx).filter(
      ({ deviceId }) => deviceId === self.deviceId || keep.includes(deviceId),
    )
    const { removed } = replaceOwnDevices(tx, stay, clock.now())
    for (const { deviceId, name } of removed) {
      deleteLane(tx, ownLane(self.accountId, deviceId))
      const isLost = lost.includes(deviceId)
      const payload = { deviceId, reason: isLost ? 'lost' : 'unreached' } as const
      journal.append(tx, () => ({ type: 'device.removed', actor: isLost ? 'person' : 'device', payload }))
      if (!isLost) alerts.add(tx, 'deviceRemoved', name)
    }
  }

  /** Another device has replaced it and handed it over; the list changes when the relay has taken it. */
  async #adopt({ identityKey, devices }: Listed): Promise<void> {
    const { connection, self, vault } = this.#parts
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
      const isListed = (deviceId: number): boolean => devices.some((one) => one.deviceId === deviceId)
      const coming = comingDeviceId(tx)
      if (coming !== null && !isListed(coming)) expectNobody(tx, self.accountId)
      const pending = readPending(tx)
      // What this device has decided on itself follows, with other keys: whom the other device calls lost may have been
      // handed those.
      if (pending !== null) this.#handOver(tx, newPending(pending.lost, pending.keep.filter(isListed)))
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
