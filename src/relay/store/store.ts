import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryEntry } from '../../wire/http.ts'
import type { QueueStatsStore } from './queueStats.ts'
import type { AlertStore } from './alertStore.ts'
import type { BlobStore } from './blobStore.ts'
import type { BudgetStore } from './budgetStore.ts'
import type { CredentialStore } from './credentialStore.ts'
import type { DeviceStore, GenerationStore, IdentityStore } from './deviceStore.ts'
import type { ActStore, ApprovalStore, ChangeStore, InvitationTerms, PeopleStore } from './peopleStore.ts'

/**
 * What the relay remembers, behind one interface, so that an engine can be exchanged whole (`contract.ts` is the
 * proof that it may be). Everything is asynchronous although the embedded engine answers at once.
 * A method that cannot do its work throws `relay.unavailable` and has changed nothing; only where the connection to
 * PostgreSQL breaks before a commit is answered may it have done all of it. Whoever asked repeats: every method takes that.
 */
export interface RelayStore {
  readonly accounts: AccountStore
  readonly invitations: InvitationStore
  readonly devices: DeviceStore
  readonly identities: IdentityStore
  readonly generations: GenerationStore
  readonly keys: KeyStore
  readonly permits: PermitStore
  readonly queues: QueueStore
  readonly people: PeopleStore
  readonly changes: ChangeStore
  readonly acts: ActStore
  readonly approvals: ApprovalStore
  readonly stats: QueueStatsStore
  readonly budgets: BudgetStore
  readonly alerts: AlertStore
  readonly credentials: CredentialStore
  readonly blobs: BlobStore
  close(): Promise<void>
}

export interface AccountStore {
  /** An enrolled account, hidden or not, or null. */
  find(accountId: string): Promise<DirectoryEntry | null>
  /**
   * Enrolled accounts that are neither hidden nor disabled, in the order of their names; each of `words`, folded by
   * `foldText`, begins one of theirs.
   */
  search(search: DirectorySearch): Promise<DirectoryPage>
}

export interface DirectorySearch {
  readonly words: readonly string[]
  /** The account after which the page begins; an unknown one gives an empty page. */
  readonly after: string | null
  /** The account that asks: left out of the answer and of the total. */
  readonly except: string
  /** An organisation: only its accounts and those of what is under it. Left out: all. */
  readonly within?: string
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
  /** One more invitation for an account that there is: the way back for who has no device left. Null: no account. */
  createAgain(invitation: RepeatedInvitation): Promise<DirectoryEntry | null>
  find(codeHash: Bytes): Promise<InvitationRecord | null>
  /**
   * Uses the invitation and makes device `limits.firstDeviceId` with its keys: all of it or nothing. Of an account that
   * is enrolled already all older devices go with their queues and keys, and every invitation that is still open.
   */
  redeem(enrolment: Enrolment): Promise<EnrolmentOutcome>
}

export interface NewInvitation extends InvitationTerms {
  readonly account: DirectoryEntry
}

export interface RepeatedInvitation extends InvitationTerms {
  readonly accountId: string
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
  readonly attestation: Bytes
  readonly accessKeyHash: Bytes
  readonly keys: KeySet
  readonly now: number
}

export type EnrolmentOutcome =
  | {
      readonly kind: 'enrolled'
      readonly deviceId: number
      readonly account: DirectoryEntry
      /** The store's numbers of the devices that went. */
      readonly removed: readonly number[]
    }
  /** `disabled`: the account is. */
  | { readonly kind: 'unknown' | 'used' | 'expired' | 'disabled' }

export interface PreKey {
  readonly keyId: number
  readonly publicKey: Bytes
}

export interface SignedKey extends PreKey {
  readonly signature: Bytes
}

/** A null keeps what the relay has; one-time keys are added, or take the place of all there were. */
export interface KeySet {
  readonly replaceOneTime: boolean
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
  /**
   * Adds keys; of more than `limits.oneTimePreKeysKept` of a kind the oldest go. They were checked against
   * `identityKey`: throws `identity.superseded` when the account has another one by now, or the device has not adopted it.
   */
  upload(device: number, identityKey: Bytes, keys: KeySet): Promise<KeyCount>
  count(device: number): Promise<KeyCount>
  /**
   * Takes one one-time key of each kind from each device that has keys, or with `spared` none: the last resort serves
   * then. Spends the permit it is paid with.
   */
  takeBundle(accountId: string, by: Authorisation, now: number, spared?: boolean): Promise<BundleOutcome>
}

/** What gives the right to write to an account or to fetch its bundles. SECURITY 9: none of it says who. */
export type Authorisation =
  /** A device of the account itself, which is left out. */
  | { readonly kind: 'own'; readonly except: number }
  /** SHA-256 of the access key that was shown. */
  | { readonly kind: 'accessKey'; readonly hash: Bytes }
  | { readonly kind: 'permit'; readonly permit: SpendablePermit }

/** A permit whose signature and time were checked before. */
export interface SpendablePermit {
  readonly spendId: Bytes
  readonly expiresAt: number
}

/** `denied` also for an account that does not exist, so that an access key cannot be used to look for accounts. */
export type Denial =
  { readonly kind: 'unknownRecipient' } | { readonly kind: 'denied' } | { readonly kind: 'permitSpent' }

export type BundleOutcome = { readonly kind: 'taken'; readonly bundle: StoredBundle } | Denial

export interface PermitStore {
  /**
   * Counts permits that are drawn on the UTC day of `now`; null when fewer than `count` are left, and none is drawn.
   * `perDay` is left out where the account has what every account has.
   */
  draw(
    accountId: string,
    count: number,
    now: number,
    perDay?: number,
  ): Promise<{ readonly left: number } | null>
  /** Whether it paid already; who takes it looks again within its own transaction. */
  isSpent(permit: SpendablePermit): Promise<boolean>
}

export interface StoredBundle {
  readonly identityKey: Bytes
  readonly devices: readonly StoredDeviceBundle[]
}

export interface StoredDeviceBundle {
  readonly deviceId: number
  readonly registrationId: number
  readonly deviceKey: Bytes
  readonly attestation: Bytes
  readonly signedPreKey: SignedKey
  readonly preKey: PreKey | null
  /** One-time, or the last resort when none is left. */
  readonly kyberPreKey: SignedKey
}

export interface QueueStore {
  /** Whether this process alone commits: what it stored itself is all that is new. */
  readonly alone: boolean
  /**
   * One durable transaction: answers after its fsync, with one outcome for each put in order. When it throws, nothing
   * of the group is stored or deleted. Queue ids rise for ever; `received_at` never falls, whatever the clock does.
   * A permit is spent with the put that it pays for; the highest id deleted for a device is kept (`GenerationStore`).
   */
  commit(group: QueueGroup): Promise<readonly PutOutcome[]>
  /** Judges a put as `commit` would and stores nothing. */
  check(put: PutRequest): Promise<CheckOutcome>
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

/** SECURITY 9: a put has no sender. `by` says what it was allowed with and is never stored, but for a spent permit's id. */
export interface PutRequest {
  readonly destination: Bytes
  readonly by: Authorisation
  /** For the devices named only: none is missing. */
  readonly someDevices: boolean
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
  /** `added` lacks what had been stored before under the same message id, or by the same permit. */
  | { readonly kind: 'stored'; readonly added: readonly StoredEnvelope[] }
  | { readonly kind: 'full' }
  /** Permits have brought this account as many puts as it takes in an hour. */
  | { readonly kind: 'recipientLimit'; readonly retryAfterMs: number }
  | PutFault

export type PutFault = ({ readonly kind: 'mismatch' } & DeviceMismatchLists) | Denial

export type CheckOutcome = { readonly kind: 'proper'; readonly targets: readonly PutTarget[] } | PutFault

export interface PutTarget {
  /** The store's number. */
  readonly device: number
  readonly envelope: DeviceEnvelopeInput
}

export interface DeviceMismatchLists {
  readonly missing: readonly number[]
  readonly extra: readonly number[]
  readonly stale: readonly number[]
}
