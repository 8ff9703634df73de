import { processPreKeyBundle, signalEncrypt, type ProtocolAddress } from '@signalapp/libsignal-client'
import { sameBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { pad } from '../content/padding.ts'
import { deviceKey, type IdentityRecord } from '../storage/records.ts'
import type { WriteSet } from '../storage/writeSet.ts'
import { protocolAddress, type Address } from './address.ts'
import { preKeyBundle, type BundleDevice } from './bundle.ts'
import type { CertificateJudge } from './certificateJudge.ts'
import { protocolError } from './errors.ts'
import { openEnvelope, type OpenResult } from './opening.ts'
import { deleteSessions, pruneRetired, retireSession, retireSessions } from './retiredSessions.ts'
import { seal, type InnerCiphertext, type SealedContent } from './sealedSender.ts'
import { knownIdentity, Stores, type LocalIdentity } from './stores.ts'

/** This device as a turn knows it. */
export interface TurnDevice extends Address {
  readonly judge: CertificateJudge
  readonly identity: LocalIdentity
  readonly previousIdentities: readonly LocalIdentity[]
}

/** What may be done with sessions while they are held exclusively. */
export class Turn {
  readonly writes: WriteSet
  readonly #device: TurnDevice
  readonly #localAddress: ProtocolAddress
  readonly #now: number
  #ended = false

  constructor(writes: WriteSet, device: TurnDevice, now: number) {
    this.writes = writes
    this.#device = device
    this.#localAddress = protocolAddress(device)
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

  /** Of the device that a session is with. Throws `session.missing`. */
  async registrationIdOf(to: Address): Promise<number> {
    const session = await this.#stores(this.writes).session.getSession(protocolAddress(to))
    if (session === null) throw new CodedError('session.missing')
    return session.remoteRegistrationId()
  }

  /**
   * PQXDH from a bundle. An older session with that device stays beside the new one for what is still on its way
   * (libsignal keeps both in one record). Throws `device.attestation`, `bundle.signature`,
   * `bundle.malformed`, `identity.changed` (the caller then calls `holdIdentity`). Nothing is left behind.
   */
  async startSession(accountId: string, identityKey: string, device: BundleDevice): Promise<void> {
    const attempt = this.writes.fork()
    const stores = this.#stores(attempt)
    const bundle = preKeyBundle(accountId, identityKey, device)
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

  /** Forgets the live session with a device that is gone. Where messages may still come from it: `renewSession`. */
  dropSession(address: Address): void {
    this.writes.sessions.remove(keyOf(address))
  }

  /** The next message to that device needs a bundle (`session.missing`); what it has sent before stays readable. */
  renewSession(address: Address): void {
    retireSession(this.writes, keyOf(address), this.#now)
  }

  /**
   * Takes all sessions (of one account) out of use for good. They still read what comes in for 31 days.
   * SECURITY 3: so must it be before anything is encrypted in a vault that was put back, or whose last run did not end.
   */
  retireSessions(accountId?: string): void {
    retireSessions(this.writes, this.#now, accountId)
  }

  /** Forgets retired sessions that nothing can be on its way for any more. */
  pruneRetired(now: number): void {
    pruneRetired(this.writes, now)
  }

  /**
   * Keeps the sealed layer around what `encrypt` made, or (type Plaintext) around a retry request; touches no session.
   * Throws `identity.unknown`, `argument.invalid`.
   */
  seal(to: Address, inner: SealedContent, certificate: Bytes): Promise<Bytes> {
    return seal(this.#stores(this.writes).identity, to, inner, certificate)
  }

  isIdentityPending(accountId: string): boolean {
    return (knownIdentity(this.writes, this.#device.identity, accountId)?.changedKey ?? null) !== null
  }

  /** SECURITY 5: from here nothing is sent to and nothing shown from this account until the person decides. */
  holdIdentity(accountId: string, changedKey: Bytes): void {
    const known = this.writes.identities.get(accountId)
    if (known === null || sameBytes(known.identityKey, changedKey)) return
    this.writes.identities.put(accountId, { ...known, changedKey })
  }

  /**
   * The person takes the held key, the one that was shown, for the account's. Its sessions are deleted, the retired ones
   * too: one message over an old session would make the old identity current again (libsignal.md 4.3).
   * Throws `identity.notPending`, and `identity.superseded` when yet another key is held by now.
   */
  acceptIdentity(accountId: string, key: Bytes): void {
    const { firstSeenAt } = this.#pending(accountId, key)
    this.writes.identities.put(accountId, { identityKey: key, changedKey: null, firstSeenAt })
    deleteSessions(this.writes, accountId)
  }

  #pending(accountId: string, key: Bytes): IdentityRecord {
    const known = this.writes.identities.get(accountId)
    if (known === null || known.changedKey === null) throw new CodedError('identity.notPending')
    if (!sameBytes(known.changedKey, key)) throw new CodedError('identity.superseded')
    return known
  }

  /**
   * Opens a received envelope; `receptionTime` is the relay's, ms since the epoch. A refusal changes nothing in the
   * write-set, so that one bad envelope does not spoil the others of a batch (rule 12).
   */
  async open(body: Bytes, receptionTime: number, envelopeId: Bytes): Promise<OpenResult> {
    if (this.#ended) throw new Error(endedText)
    const { identity, previousIdentities } = this.#device
    return await openEnvelope(
      { writes: this.writes, local: this.#device, identity, previousIdentities, now: this.#now },
      { body, receptionTime, envelopeId },
    )
  }

  #stores(writes: WriteSet): Stores {
    if (this.#ended) throw new Error(endedText)
    return new Stores(writes, this.#device.identity, this.#now)
  }
}

const endedText = 'the turn has ended'

const keyOf = ({ accountId, deviceId }: Address): string => deviceKey(accountId, deviceId)
