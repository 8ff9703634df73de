import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryEntry } from '../../wire/http.ts'

/**
 * What the relay remembers, behind one interface, so that an engine can be exchanged whole (`contract.ts` is the
 * proof that it may be). Everything is asynchronous although the embedded engine answers at once.
 * A method that cannot do its work throws `relay.unavailable` and has changed nothing.
 */
export interface RelayStore {
  readonly accounts: AccountStore
  readonly invitations: InvitationStore
  readonly devices: DeviceStore
  readonly keys: KeyStore
  readonly queues: QueueStore
  close(): Promise<void>
}

export interface AccountStore {
  /** An enrolled account, or null. */
  find(accountId: string): Promise<DirectoryEntry | null>
  /** Enrolled accounts in the order of their names; each of `words`, folded by `foldText`, begins one of theirs. */
  search(search: DirectorySearch): Promise<DirectoryPage>
}

export interface DirectorySearch {
  readonly words: readonly string[]
  /** The account after which the page begins; an unknown one gives an empty page. */
  readonly after: string | null
  /** The account that asks: left out of the answer and of the total. */
  readonly except: string
  /** Whether the total is wanted: counting costs more than a page. */
  readonly counted: boolean
  readonly limit: number
}

export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[]
  readonly more: boolean
  /** Null unless it was wanted. */
  readonly total: number | null
}

export interface InvitationStore {
  /** Makes the account, not yet enrolled, and its invitation. */
  create(invitation: NewInvitation): Promise<void>
  find(codeHash: Bytes): Promise<InvitationRecord | null>
  /** Uses the invitation and makes the device with its keys: all of it or nothing. */
  redeem(enrolment: Enrolment): Promise<EnrolmentOutcome>
}

export interface NewInvitation {
  readonly account: DirectoryEntry
  /** SHA-256 of the canonical code: the code itself is nowhere kept. */
  readonly codeHash: Bytes
  readonly createdAt: number
  readonly expiresAt: number
}

export interface InvitationRecord {
  readonly account: DirectoryEntry
  readonly expiresAt: number
  /** The device key that used it, or null. */
  readonly usedBy: Bytes | null
}

export interface Enrolment {
  readonly codeHash: Bytes
  readonly identityKey: Bytes
  readonly deviceKey: Bytes
  readonly registrationId: number
  readonly keys: KeySet
  readonly now: number
}

export type EnrolmentOutcome =
  | { readonly kind: 'enrolled'; readonly deviceId: number; readonly account: DirectoryEntry }
  | { readonly kind: 'unknown' | 'used' | 'expired' }

export interface DeviceStore {
  find(accountId: string, deviceId: number): Promise<DeviceRecord | null>
}

export interface DeviceRecord {
  /** The store's own number of this device, never shown outside the relay. */
  readonly device: number
  readonly accountId: string
  readonly deviceId: number
  readonly registrationId: number
  /** Ed25519, raw. */
  readonly deviceKey: Bytes
  /** The account's libsignal identity key. */
  readonly identityKey: Bytes
}

export interface PreKey {
  readonly keyId: number
  readonly publicKey: Bytes
}

export interface SignedKey extends PreKey {
  readonly signature: Bytes
}

/** A null keeps what the relay has; one-time keys are added. */
export interface KeySet {
  readonly signedPreKey: SignedKey | null
  readonly lastResortKyberPreKey: SignedKey | null
  readonly oneTimePreKeys: readonly PreKey[]
  readonly oneTimeKyberPreKeys: readonly SignedKey[]
}

export interface KeyCount {
  readonly oneTimePreKeys: number
  readonly oneTimeKyberPreKeys: number
}

export interface KeyStore {
  /** Adds keys; of more than `limits.oneTimePreKeysKept` of a kind the oldest go. */
  upload(device: number, keys: KeySet): Promise<KeyCount>
  count(device: number): Promise<KeyCount>
  /** Takes one one-time key of each kind from each device but `except`; null for an account that is not enrolled. */
  takeBundle(accountId: string, except: number | null): Promise<StoredBundle | null>
}

export interface StoredBundle {
  readonly identityKey: Bytes
  readonly devices: readonly StoredDeviceBundle[]
}

export interface StoredDeviceBundle {
  readonly deviceId: number
  readonly registrationId: number
  readonly signedPreKey: SignedKey
  readonly preKey: PreKey | null
  /** One-time, or the last resort when none is left. */
  readonly kyberPreKey: SignedKey
}

export interface QueueStore {
  /**
   * One durable transaction: answers after its fsync, with one outcome for each put in order. When it throws, nothing
   * of the group is stored or deleted. Queue ids rise for ever; `received_at` never falls, whatever the clock does.
   */
  commit(group: QueueGroup): Promise<readonly PutOutcome[]>
  /** Envelopes after a queue id, oldest first; ends at `rows`, or once `bytes` of bodies are reached. */
  page(device: number, after: number, rows: number, bytes: number): Promise<readonly StoredEnvelope[]>
  /** The newest queue id that waits for the device; 0 when nothing does. */
  newest(device: number): Promise<number>
}

export interface QueueGroup {
  readonly puts: readonly PutRequest[]
  readonly deletes: readonly QueueDelete[]
  readonly now: number
}

/** SECURITY 9: a put has no sender. `except` keeps a device from writing to itself and is never stored. */
export interface PutRequest {
  readonly destination: Bytes
  readonly except: number | null
  readonly envelopes: readonly DeviceEnvelopeInput[]
}

export interface DeviceEnvelopeInput {
  readonly deviceId: number
  readonly registrationId: number
  readonly messageId: Uint8Array
  readonly body: Uint8Array
}

/** Both must agree: nobody deletes another device's envelope. */
export interface QueueDelete {
  readonly device: number
  readonly id: number
}

export interface StoredEnvelope {
  readonly device: number
  readonly id: number
  readonly receivedAt: number
  readonly messageId: Uint8Array
  readonly body: Uint8Array
}

export type PutOutcome =
  /** `added` lacks what had been stored before under the same message id. */
  | { readonly kind: 'stored'; readonly added: readonly StoredEnvelope[] }
  | ({ readonly kind: 'mismatch' } & DeviceMismatchLists)
  | { readonly kind: 'unknownRecipient' }
  | { readonly kind: 'full' }

export interface DeviceMismatchLists {
  readonly missing: readonly number[]
  readonly extra: readonly number[]
  readonly stale: readonly number[]
}
