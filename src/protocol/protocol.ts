import {
  CiphertextMessageType,
  IdentityKeyPair,
  PreKeySignalMessage,
  processPreKeyBundle,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
  SignalMessage,
  type ProtocolAddress,
} from '@signalapp/libsignal-client'
import { fromBase64Url, sameBytes, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { pad, unpad } from '../content/padding.ts'
import { deviceKey } from '../storage/records.ts'
import type { VaultRecords, WriteSet } from '../storage/writeSet.ts'
import { protocolAddress, type Address } from './address.ts'
import { preKeyBundle, type BundleDevice } from './bundle.ts'
import { protocolError } from './errors.ts'
import { seal, unseal, type InnerCiphertext, type Unsealed } from './sealedSender.ts'
import { Stores, type LocalIdentity } from './stores.ts'

/** Runs one task after another (`SerialQueue`). */
export interface Lane {
  run<T>(task: () => Promise<T>): Promise<T>
}

export interface LocalDevice extends Address {
  readonly registrationId: number
  readonly identityKeyPair: Bytes
  /** Public trust root of the relay's certificates, pinned at enrolment. */
  readonly trustRoot: Bytes
}

export interface Opened {
  readonly kind: 'opened'
  readonly sender: Address
  /** Encoded content, padding removed. */
  readonly content: Bytes
  /** The first message of a session used prekeys up. */
  readonly keysUsed: boolean
  /** Id of the last-resort Kyber key, where the first message of a session took it: recorded in the journal. */
  readonly lastResortUsed: number | null
  /** The sender's identity key was seen for the first time. */
  readonly firstSeen: boolean
}

export interface Refused {
  readonly kind: 'refused'
  readonly code: ErrorCode
  /** As the certificate says; null where there is no valid one. */
  readonly sender: Address | null
  /** With `identity.changed`: the key that is not the known one. */
  readonly changedKey: Bytes | null
}

/**
 * libsignal behind one queue and one write-set a turn.
 * SECURITY 4: nothing of libsignal that touches a session can be reached but through `exclusively`.
 */
export class Protocol {
  readonly #records: VaultRecords
  readonly #local: LocalDevice
  readonly #identity: LocalIdentity
  readonly #lane: Lane
  readonly #clock: Clock

  constructor(records: VaultRecords, local: LocalDevice, lane: Lane, clock: Clock) {
    this.#records = records
    this.#local = local
    this.#identity = {
      keyPair: IdentityKeyPair.deserialize(local.identityKeyPair),
      registrationId: local.registrationId,
    }
    this.#lane = lane
    this.#clock = clock
  }

  /**
   * Gives the task the sessions for itself, over a new write-set. The task commits; what it does not commit
   * never happened. The turn is worthless after the task has ended.
   */
  exclusively<T>(task: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#lane.run(async () => {
      const turn = new Turn(this.#records.begin(), this.#local, this.#identity, this.#clock.now())
      try {
        return await task(turn)
      } finally {
        turn.end()
      }
    })
  }
}

/** What may be done with sessions while they are held exclusively. */
export class Turn {
  readonly writes: WriteSet
  readonly #local: LocalDevice
  readonly #localAddress: ProtocolAddress
  readonly #identity: LocalIdentity
  readonly #now: number
  #ended = false

  constructor(writes: WriteSet, local: LocalDevice, identity: LocalIdentity, now: number) {
    this.writes = writes
    this.#local = local
    this.#localAddress = protocolAddress(local)
    this.#identity = identity
    this.#now = now
  }

  end(): void {
    this.#ended = true
  }

  /**
   * One ratchet step: pads the content and encrypts it for one device. Throws `session.missing`,
   * `session.tooOld` (never answered for 30 days: start it anew), `identity.changed`, `content.tooLarge`.
   */
  async encrypt(to: Address, content: Bytes): Promise<InnerCiphertext> {
    const stores = this.#stores(this.writes)
    if (this.isIdentityPending(to.accountId)) throw new CodedError('identity.changed')
    const address = protocolAddress(to)
    const session = await stores.session.getSession(address)
    if (session === null) throw new CodedError('session.missing')
    const now = new Date(this.#now)
    if (!session.hasCurrentState(now)) throw new CodedError('session.tooOld')
    try {
      const message = await signalEncrypt(
        pad(content),
        address,
        this.#localAddress,
        stores.session,
        stores.identity,
        now,
      )
      return {
        type: message.type(),
        ciphertext: message.serialize(),
        registrationId: session.remoteRegistrationId(),
      }
    } catch (error) {
      throw stores.failure ?? protocolError(error, 'session.missing')
    }
  }

  /**
   * PQXDH from a bundle. An older session with that device stays beside the new one for what is still on its way
   * (libsignal keeps both in one record). Throws `bundle.signature`,
   * `bundle.malformed`, `identity.changed` (the caller then calls `holdIdentity`). Nothing is left behind.
   */
  async startSession(accountId: string, identityKey: string, device: BundleDevice): Promise<void> {
    const attempt = this.writes.fork()
    const stores = this.#stores(attempt)
    const bundle = preKeyBundle(identityKey, device)
    try {
      await processPreKeyBundle(
        bundle,
        protocolAddress({ accountId, deviceId: device.deviceId }),
        this.#localAddress,
        stores.session,
        stores.identity,
        new Date(this.#now),
      )
    } catch (error) {
      throw stores.failure ?? protocolError(error, 'bundle.malformed')
    }
    attempt.sink()
  }

  dropSession(address: Address): void {
    this.writes.sessions.remove(deviceKey(address.accountId, address.deviceId))
  }

  /** The sealed layer around an inner ciphertext; touches no session. */
  seal(to: Address, inner: Pick<InnerCiphertext, 'type' | 'ciphertext'>, certificate: Bytes): Promise<Bytes> {
    return seal(this.#stores(this.writes).identity, to, inner, certificate)
  }

  isIdentityPending(accountId: string): boolean {
    return (this.writes.identities.get(accountId)?.changedKey ?? null) !== null
  }

  /** SECURITY 5: from here nothing is sent to and nothing shown from this account until the person decides. */
  holdIdentity(accountId: string, changedKey: Bytes): void {
    const known = this.writes.identities.get(accountId)
    if (known !== null) this.writes.identities.put(accountId, { ...known, changedKey })
  }

  /**
   * Opens a received envelope. A refusal changes nothing in the write-set, so that one bad envelope
   * does not spoil the others of a batch (rule 12).
   */
  async open(body: Bytes, receptionTime: number): Promise<Opened | Refused> {
    const attempt = this.writes.fork()
    const stores = this.#stores(attempt)
    let unsealed: Unsealed
    try {
      unsealed = await unseal(stores.identity, body, this.#local, {
        trustRoot: this.#local.trustRoot,
        receptionTime,
      })
    } catch (error) {
      return refusal(protocolError(error, 'envelope.malformed').code, null)
    }
    const { sender, senderKey } = unsealed
    const known = this.writes.identities.get(sender.accountId)
    if (known !== null && (known.changedKey !== null || !sameBytes(known.identityKey, senderKey))) {
      return refusal('identity.changed', sender, senderKey)
    }
    try {
      const content = unpad(await this.#decrypt(stores, unsealed))
      const saved = attempt.identities.get(sender.accountId)
      // The certificate and the session must speak of the same identity, or the relay has mixed two.
      if (saved === null || !sameBytes(saved.identityKey, senderKey))
        return refusal('certificate.sender', sender)
      attempt.sink()
      return {
        kind: 'opened',
        sender,
        content,
        keysUsed: attempt.preKeys.changes.size + attempt.kyberPreKeys.changes.size > 0,
        lastResortUsed: stores.kyberPreKey.lastResortUsed,
        firstSeen: known === null,
      }
    } catch (error) {
      const { code } = stores.failure ?? protocolError(error, 'envelope.undecryptable')
      return refusal(code, sender, code === 'identity.changed' ? senderKey : null)
    }
  }

  async #decrypt(stores: Stores, unsealed: Unsealed): Promise<Bytes> {
    const from = protocolAddress(unsealed.sender)
    switch (unsealed.type) {
      case CiphertextMessageType.Whisper:
        return await signalDecrypt(
          SignalMessage.deserialize(unsealed.ciphertext),
          from,
          this.#localAddress,
          stores.session,
          stores.identity,
        )
      case CiphertextMessageType.PreKey:
        return await signalDecryptPreKey(
          PreKeySignalMessage.deserialize(unsealed.ciphertext),
          from,
          this.#localAddress,
          stores.session,
          stores.identity,
          stores.preKey,
          stores.signedPreKey,
          stores.kyberPreKey,
        )
      default:
        throw new CodedError('envelope.malformed')
    }
  }

  #stores(writes: WriteSet): Stores {
    if (this.#ended) throw new Error('the turn has ended')
    return new Stores(writes, this.#identity, this.#now)
  }
}

function refusal(code: ErrorCode, sender: Address | null, changedKey: Bytes | null = null): Refused {
  return { kind: 'refused', code, sender, changedKey }
}

/** The identity key of a bundle, as `holdIdentity` takes it. */
export function bundleIdentityKey(identityKey: string): Bytes {
  const bytes = fromBase64Url(identityKey)
  if (bytes === null) throw new CodedError('bundle.malformed')
  return bytes
}
