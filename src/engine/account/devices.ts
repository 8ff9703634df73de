import { createHash } from 'node:crypto'
import { fromBase64Url, sameBytes, toBase64Url, toHex, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import type { CallOutput } from '../../contract/index.ts'
import { verifyAttestation } from '../../protocol/attestation.ts'
import { openName, sealName } from '../../protocol/deviceName.ts'
import { deviceKeyOf, identityPublicKey } from '../../protocol/keys.ts'
import type { Protocol } from '../../protocol/protocol.ts'
import { readDevicesRevision, writeDevicesRevision } from '../../storage/repositories/account.ts'
import { readOwnDevices, replaceOwnDevices, type OwnDevice } from '../../storage/repositories/ownDevices.ts'
import { deleteLane, makeLaneDue } from '../../storage/repositories/outbox.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import type { OwnDevice as ListedDevice } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { formatRelayText } from '../../wire/linking.ts'
import type { Alerts } from '../views/alerts.ts'
import { comingIdentities, isBeingReplacedFor, previousIdentities } from './pendingIdentity.ts'
import type { Journal } from '../profile/journal.ts'
import { comingDeviceId, endExpectation, ownLane } from '../sending/posting.ts'
import type { RelayConnection } from '../relay/connection.ts'
import { stored, type Self } from './self.ts'

interface DevicesParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly connection: RelayConnection
  readonly journal: Journal
  readonly self: Self
  readonly alerts: Alerts
  readonly clock: Clock
  /** Tells a new device of the account what the others share. */
  readonly introduce: (tx: Tx, deviceId: number) => void
}

/** The account's own devices as the relay lists them and the identity key attests them. */
export class Devices {
  readonly #parts: DevicesParts
  #refreshing: Promise<boolean> | null = null
  /** Removed here by the person: their going needs no alert. */
  readonly #removing = new Set<number>()

  constructor(parts: DevicesParts) {
    this.#parts = parts
  }

  /**
   * The list, when the relay's is a newer one. False while the relay speaks of an identity key that this device has not been
   * handed yet: nothing of its list is taken then, for that key alone attests it.
   */
  async refresh(revision: number): Promise<boolean> {
    // Once more behind one that was under way; a relay that speaks of a list which it does not give is not asked for ever.
    for (let tries = 0; tries < 2 && readDevicesRevision(this.#parts.vault.sql) < revision; tries += 1) {
      this.#refreshing ??= this.#fetch().finally(() => {
        this.#refreshing = null
      })
      if (!(await this.#refreshing)) return false
    }
    return true
  }

  list(): CallOutput<'device.list'> {
    const { self, vault } = this.#parts
    const { relayAddress, tlsPin, tlsEndsAtProxy } = self.record
    return {
      devices: readOwnDevices(vault.sql).map((row) => this.#view(row)),
      limit: limits.devicesPerAccount,
      relay: formatRelayText({
        address: relayAddress,
        tlsPin: tlsPin === null ? null : stored(tlsPin),
        anchors: self.anchors(),
        tlsEndsAtProxy,
      }),
    }
  }

  /** Takes a device off the account. Throws `device.notFound`. */
  async remove(deviceId: number): Promise<void> {
    this.#removing.add(this.known(deviceId))
    await this.#parts.connection.request('removeDevice', { query: { deviceId: String(deviceId) } })
    if (deviceId !== this.#parts.self.deviceId) await this.#fetch()
  }

  /** Throws `device.notFound`. */
  known(deviceId: number): number {
    if (readOwnDevices(this.#parts.vault.sql).some((device) => device.deviceId === deviceId)) return deviceId
    throw new CodedError('device.notFound')
  }

  /**
   * Tells the account's devices what this one is called: where they do not know it, for a new name is a new list for all; or
   * anew, under a new key of the account.
   */
  async nameThis(when: 'unknown' | 'anew' = 'unknown'): Promise<void> {
    const { connection, self, vault } = this.#parts
    const listed = readOwnDevices(vault.sql).find(({ deviceId }) => deviceId === self.deviceId)
    if (listed === undefined || (when === 'unknown' && listed.name === self.record.deviceName)) return
    const sealedName = toBase64Url(
      sealName(self.account.identityKeyPair, self.deviceId, self.record.deviceName),
    )
    await connection.request('nameDevice', { body: { sealedName } })
  }

  async #fetch(): Promise<boolean> {
    const { connection, protocol, self } = this.#parts
    const answer = await connection.request('devices')
    if (!this.#isOurs(decoded(answer.identityKey))) return false
    const attested = answer.devices.filter((device) => this.#isAttested(device))
    const refused = answer.devices.filter((device) => !attested.includes(device))
    // Without it nothing would go to the other devices any more, and nobody would be told.
    if (!attested.some(({ deviceId }) => deviceId === self.deviceId))
      throw new CodedError('relay.malformedAnswer')
    await protocol.exclusively(async (turn) => {
      const known = readOwnDevices(this.#parts.vault.sql)
      const gone = known.filter(({ deviceId }) => !attested.some((one) => one.deviceId === deviceId))
      for (const { deviceId } of gone) turn.dropSession({ accountId: self.accountId, deviceId })
      turn.writes.write((tx) =>
        this.#take(
          tx,
          attested.map((device) => this.#rowOf(device, known)),
          answer.revision,
        ),
      )
      for (const { deviceId } of refused) {
        this.#parts.journal.note(turn.writes, () => ({
          type: 'device.refused',
          actor: 'relay',
          payload: { deviceId },
        }))
      }
      turn.writes.commit()
    })
    await this.#parts.journal.flush()
    this.#parts.alerts.tell()
    return true
  }

  #isOurs(identityKey: Bytes): boolean {
    const { self, vault } = this.#parts
    const ours = [self.account.identityKeyPair, ...comingIdentities(vault.sql)]
    return ours.some((pair) => sameBytes(identityPublicKey(pair), identityKey))
  }

  /** SECURITY 13: what came and went is journalled with the change of the list. */
  #take(tx: Tx, devices: readonly OwnDevice[], revision: number): void {
    const { alerts, clock, journal, self } = this.#parts
    const first = readOwnDevices(tx).length === 0
    const { added, removed } = replaceOwnDevices(tx, devices, clock.now())
    writeDevicesRevision(tx, revision)
    const expected = comingDeviceId(tx)
    endExpectation(tx, self.accountId, clock.now())
    for (const { deviceId } of removed) deleteLane(tx, ownLane(self.accountId, deviceId))
    // One that has come, or has taken up the account's new key, may be written to.
    for (const { deviceId } of devices) makeLaneDue(tx, ownLane(self.accountId, deviceId))
    if (first) return
    for (const device of added) {
      const { deviceId, deviceKey, name } = device
      const payload = { deviceId, deviceKey: fingerprint(deviceKey) }
      journal.append(tx, () => ({ type: 'device.added', actor: 'relay', payload }))
      alerts.add(tx, 'deviceAdded', name)
      if (deviceId === expected) this.#parts.introduce(tx, deviceId)
    }
    for (const { deviceId, name } of removed) {
      if (deviceId === self.deviceId) continue
      const lost = isBeingReplacedFor(tx, deviceId)
      const here = this.#removing.delete(deviceId) || lost
      const reason = lost ? 'lost' : here ? 'retired' : 'elsewhere'
      const actor = here ? 'person' : 'relay'
      journal.append(tx, () => ({ type: 'device.removed', actor, payload: { deviceId, reason } }))
      if (!here) alerts.add(tx, 'deviceRemoved', name)
    }
  }

  /**
   * By the account's identity key: the present one, or one that another device has just handed over. A device that is known
   * already may still show the word of a key before: it brings the new one when it has been handed it.
   */
  #isAttested(device: ListedDevice): boolean {
    const { self, vault } = this.#parts
    const { deviceId, registrationId } = device
    const deviceKey = decoded(device.deviceKey)
    // This device needs nobody's word for itself, but only its own key will do.
    if (deviceId === self.deviceId) return sameBytes(deviceKey, deviceKeyOf(self.account.deviceKey).publicKey)
    const parts = { accountId: self.accountId, deviceId, registrationId, deviceKey }
    const by = (pair: Bytes): boolean =>
      verifyAttestation(identityPublicKey(pair), parts, decoded(device.attestation))
    if ([self.account.identityKeyPair, ...comingIdentities(vault.sql)].some(by)) return true
    const known = readOwnDevices(vault.sql).some(
      (one) => one.deviceId === deviceId && sameBytes(one.deviceKey, deviceKey),
    )
    return known && previousIdentities(vault.sql).some(by)
  }

  /** A name sealed under the account's key before stays what it was, but for this device's own: that is sealed anew. */
  #rowOf(device: ListedDevice, known: readonly OwnDevice[]): OwnDevice {
    const { self } = this.#parts
    const { deviceId, registrationId, addedAt, lastSeenDay } = device
    const deviceKey = decoded(device.deviceKey)
    const before = known.find((one) => one.deviceId === deviceId && sameBytes(one.deviceKey, deviceKey))
    const kept = deviceId === self.deviceId ? '' : (before?.name ?? '')
    // A name that cannot be read is no reason to refuse the device.
    const name = openName(self.account.identityKeyPair, deviceId, decoded(device.sealedName)) ?? kept
    return { deviceId, registrationId, deviceKey, name, addedAt, lastSeenDay }
  }

  #view(row: OwnDevice): CallOutput<'device.list'>['devices'][number] {
    const { self } = this.#parts
    const current = row.deviceId === self.deviceId
    return {
      deviceId: row.deviceId,
      name: current ? self.record.deviceName : row.name,
      current,
      fingerprint: fingerprint(row.deviceKey),
      addedAt: row.addedAt,
      lastSeenDay: row.lastSeenDay ?? row.addedAt,
    }
  }
}

function fingerprint(deviceKey: Bytes): string {
  return toHex(createHash('sha256').update(deviceKey).digest())
}

function decoded(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('relay.malformedAnswer')
  return bytes
}
