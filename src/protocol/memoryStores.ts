import {
  type Direction,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  SessionRecord,
  SessionStore,
  type PrivateKey,
  type ProtocolAddress,
  type PublicKey,
} from '@signalapp/libsignal-client'

/** The plainest stores that libsignal can run on: the floor that benchmarks compare the vault's with. */
export class MemorySessions extends SessionStore {
  readonly #records = new Map<string, Uint8Array<ArrayBuffer>>()

  override async saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#records.set(keyOf(address), record.serialize())
  }

  override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    const record = this.#records.get(keyOf(address))
    return record === undefined ? null : SessionRecord.deserialize(record)
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    const found = await Promise.all(addresses.map((address) => this.getSession(address)))
    return found.filter((record) => record !== null)
  }
}

export class MemoryIdentities extends IdentityKeyStore {
  readonly #keys = new Map<string, PublicKey>()
  readonly #own: IdentityKeyPair
  readonly #registrationId: number

  constructor(own: IdentityKeyPair, registrationId: number) {
    super()
    this.#own = own
    this.#registrationId = registrationId
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.#own.privateKey
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.#own
  }

  override async getLocalRegistrationId(): Promise<number> {
    return this.#registrationId
  }

  override async saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    this.#keys.set(keyOf(address), key)
    return IdentityChange.NewOrUnchanged
  }

  override async isTrustedIdentity(
    address: ProtocolAddress,
    key: PublicKey,
    _to: Direction,
  ): Promise<boolean> {
    return this.#keys.get(keyOf(address))?.equals(key) ?? true
  }

  override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    return this.#keys.get(keyOf(address)) ?? null
  }
}

function keyOf(address: ProtocolAddress): string {
  return `${address.name()}.${address.deviceId()}`
}
