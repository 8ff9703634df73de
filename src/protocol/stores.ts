import {
  type Direction,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyRecord,
  PreKeyStore,
  PublicKey,
  SenderKeyRecord,
  SenderKeyStore,
  SessionRecord,
  SessionStore,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  type PrivateKey,
  type ProtocolAddress,
} from '@signalapp/libsignal-client'
import { sameBytes, type Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { deviceKey, senderKeyKey, type IdentityRecord } from '../storage/records.ts'
import type { WriteSet } from '../storage/writeSet.ts'
import { RetiredSessionStore } from './retiredSessions.ts'

/** This device, as the stores present it to libsignal. */
export interface LocalIdentity {
  readonly accountId: string
  readonly keyPair: IdentityKeyPair
  readonly registrationId: number
}

/** Which of the retired sessions with a device: its `deviceKey`, and its place in the list. */
export interface RetiredPlace {
  readonly key: string
  readonly index: number
}

/** An account's identity as it is held; one's own is known without a row, so that no relay can say another. */
export function knownIdentity(
  writes: WriteSet,
  local: LocalIdentity,
  accountId: string,
): Pick<IdentityRecord, 'identityKey' | 'changedKey'> | null {
  return accountId === local.accountId
    ? { identityKey: local.keyPair.publicKey.serialize(), changedKey: null }
    : writes.identities.get(accountId)
}

/**
 * libsignal's five stores (and the sender key store) over one write-set. They are made for one turn of the queue.
 * Methods are async because the interface asks for promises; nothing in them waits.
 */
export class Stores {
  readonly identity: IdentityStore
  readonly session: SessionStore
  readonly preKey: WriteSetPreKeys
  readonly signedPreKey: WriteSetSignedPreKeys
  readonly kyberPreKey: WriteSetKyberPreKeys
  readonly senderKey: WriteSetSenderKeys
  readonly #failures = new Failures()

  /** `retired`: that session alone is there, and no prekeys, so that it cannot become a new one. */
  constructor(writes: WriteSet, local: LocalIdentity, now: number, retired: RetiredPlace | null = null) {
    this.identity = new IdentityStore(writes, local, now)
    this.session =
      retired === null
        ? new WriteSetSessions(writes)
        : new RetiredSessionStore(writes, retired.key, retired.index)
    const preKeys = retired === null ? writes : null
    this.preKey = new WriteSetPreKeys(preKeys, this.#failures)
    this.signedPreKey = new WriteSetSignedPreKeys(preKeys, this.#failures)
    this.kyberPreKey = new WriteSetKyberPreKeys(preKeys, this.#failures)
    this.senderKey = new WriteSetSenderKeys(writes)
  }

  /** What a store method threw: libsignal passes on its text only (libsignal.md 4.8). */
  get failure(): CodedError | null {
    return this.#failures.first
  }
}

class Failures {
  first: CodedError | null = null

  raise(code: ErrorCode): never {
    const error = new CodedError(code)
    this.first ??= error
    throw error
  }
}

const addressKey = (address: ProtocolAddress): string => deviceKey(address.name(), address.deviceId())

export class IdentityStore extends IdentityKeyStore {
  readonly #writes: WriteSet
  readonly #local: LocalIdentity
  readonly #now: number

  constructor(writes: WriteSet, local: LocalIdentity, now: number) {
    super()
    this.#writes = writes
    this.#local = local
    this.#now = now
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.#local.keyPair.privateKey
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.#local.keyPair
  }

  override async getLocalRegistrationId(): Promise<number> {
    return this.#local.registrationId
  }

  /** One identity key an account. A different one is never saved here: the person decides first (rule 5). */
  override async saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    if (this.#known(address) === null) {
      this.#writes.identities.put(address.name(), {
        identityKey: key.serialize(),
        changedKey: null,
        firstSeenAt: this.#now,
      })
    }
    return IdentityChange.NewOrUnchanged
  }

  // SECURITY 5: strict in both directions; libsignal's own default trusts any key when receiving.
  override async isTrustedIdentity(
    address: ProtocolAddress,
    key: PublicKey,
    _direction: Direction,
  ): Promise<boolean> {
    const known = this.#known(address)
    if (known === null) return true
    return known.changedKey === null && sameBytes(known.identityKey, key.serialize())
  }

  override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    const known = this.#known(address)
    return known && PublicKey.deserialize(known.identityKey)
  }

  #known(address: ProtocolAddress) {
    return knownIdentity(this.#writes, this.#local, address.name())
  }
}

export class WriteSetSessions extends SessionStore {
  readonly #writes: WriteSet
  /** The record read last: one encryption looks at it twice, and reading 4 kB of it costs as much as a hash. */
  #last: { readonly bytes: Bytes; readonly record: SessionRecord } | null = null

  constructor(writes: WriteSet) {
    super()
    this.#writes = writes
  }

  override async saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#writes.sessions.put(addressKey(address), record.serialize())
  }

  override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    const bytes = this.#writes.sessions.get(addressKey(address))
    if (bytes === null) return null
    if (this.#last?.bytes !== bytes) this.#last = { bytes, record: SessionRecord.deserialize(bytes) }
    return this.#last.record
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    return addresses.map((address) => {
      const record = this.#writes.sessions.get(addressKey(address))
      if (record === null) throw new CodedError('session.missing')
      return SessionRecord.deserialize(record)
    })
  }
}

export class WriteSetPreKeys extends PreKeyStore {
  readonly #writes: WriteSet | null
  readonly #failures: Failures

  constructor(writes: WriteSet | null, failures: Failures) {
    super()
    this.#writes = writes
    this.#failures = failures
  }

  override async savePreKey(id: number, record: PreKeyRecord): Promise<void> {
    this.#writes?.preKeys.put(String(id), record.serialize())
  }

  override async getPreKey(id: number): Promise<PreKeyRecord> {
    const record = this.#writes?.preKeys.get(String(id)) ?? null
    return record === null ? this.#failures.raise('envelope.unknownPreKey') : PreKeyRecord.deserialize(record)
  }

  override async removePreKey(id: number): Promise<void> {
    this.#writes?.preKeys.remove(String(id))
  }
}

export class WriteSetSignedPreKeys extends SignedPreKeyStore {
  readonly #writes: WriteSet | null
  readonly #failures: Failures

  constructor(writes: WriteSet | null, failures: Failures) {
    super()
    this.#writes = writes
    this.#failures = failures
  }

  override async saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void> {
    this.#writes?.signedPreKeys.put(String(id), { record: record.serialize(), createdAt: record.timestamp() })
  }

  override async getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
    const row = this.#writes?.signedPreKeys.get(String(id)) ?? null
    return row === null
      ? this.#failures.raise('envelope.unknownPreKey')
      : SignedPreKeyRecord.deserialize(row.record)
  }
}

export class WriteSetKyberPreKeys extends KyberPreKeyStore {
  readonly #writes: WriteSet | null
  readonly #failures: Failures
  /** Id of the last-resort key, where this decryption took it; for the journal. */
  lastResortUsed: number | null = null

  constructor(writes: WriteSet | null, failures: Failures) {
    super()
    this.#writes = writes
    this.#failures = failures
  }

  override async saveKyberPreKey(id: number, record: KyberPreKeyRecord): Promise<void> {
    this.#writes?.kyberPreKeys.put(String(id), {
      record: record.serialize(),
      lastResort: false,
      createdAt: record.timestamp(),
    })
  }

  override async getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
    const row = this.#writes?.kyberPreKeys.get(String(id)) ?? null
    return row === null
      ? this.#failures.raise('envelope.unknownPreKey')
      : KyberPreKeyRecord.deserialize(row.record)
  }

  /** A one-time key goes; a last-resort key stays, guarded against a replay of the same first message. */
  override async markKyberPreKeyUsed(id: number, signedKeyId: number, baseKey: PublicKey): Promise<void> {
    const row = this.#writes?.kyberPreKeys.get(String(id)) ?? null
    if (row === null) return
    if (!row.lastResort) {
      this.#writes?.kyberPreKeys.remove(String(id))
      return
    }
    this.lastResortUsed = id
    const fresh = this.#writes?.useKyberPreKey({ keyId: id, signedKeyId, baseKey: baseKey.serialize() })
    if (!fresh) this.#failures.raise('envelope.replayedKyberKey')
  }
}

export class WriteSetSenderKeys extends SenderKeyStore {
  readonly #writes: WriteSet

  constructor(writes: WriteSet) {
    super()
    this.#writes = writes
  }

  override async saveSenderKey(
    sender: ProtocolAddress,
    distributionId: string,
    record: SenderKeyRecord,
  ): Promise<void> {
    const key = senderKeyKey(sender.name(), sender.deviceId(), distributionId)
    this.#writes.senderKeys.put(key, record.serialize())
  }

  override async getSenderKey(
    sender: ProtocolAddress,
    distributionId: string,
  ): Promise<SenderKeyRecord | null> {
    const record = this.#writes.senderKeys.get(senderKeyKey(sender.name(), sender.deviceId(), distributionId))
    return record && SenderKeyRecord.deserialize(record)
  }
}
