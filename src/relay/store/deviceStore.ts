import type { Bytes } from '../../base/bytes.ts'
import type { Standing } from '../accounts/standing.ts'
import type { GenerationVerdict } from '../../wire/generation.ts'
import type { KeySet } from './store.ts'

/** The devices of accounts. The revision rises with each change of an account's devices or of its identity key. */
export interface DeviceStore {
  find(accountId: string, deviceId: number): Promise<DeviceRecord | null>
  /** Null for an account that is not enrolled. */
  list(accountId: string): Promise<DeviceList | null>
  add(device: NewDevice): Promise<AddOutcome>
  /** Takes a device off its account, with its queue and its keys. Null: there is none. */
  remove(accountId: string, deviceId: number): Promise<RemovedDevice | null>
  /** The new revision. */
  name(device: number, sealedName: Bytes): Promise<number>
  /** Ends the freezing of a device; its tokens are forgotten, so that its next connection is `foreign`. */
  release(accountId: string, deviceId: number): Promise<boolean>
}

export interface DeviceRecord {
  /** The store's own number of this device, never shown outside the relay and never given twice. */
  readonly device: number
  readonly accountId: string
  readonly deviceId: number
  readonly registrationId: number
  /** Ed25519, raw. */
  readonly deviceKey: Bytes
  /** The account's libsignal identity key. */
  readonly identityKey: Bytes
  /** False once the identity key was replaced, until the device brings its attestation and keys under the new one. */
  readonly adopted: boolean
  /** Two holders of it were live at once: nothing is done for it any more. */
  readonly frozen: boolean
  /** Of its account. */
  readonly standing: Standing
}

export interface DeviceList {
  readonly revision: number
  readonly identityKey: Bytes
  /** The highest id that a device of this account ever had: a new one gets one that no correspondent knows. */
  readonly highestDeviceId: number
  readonly devices: readonly ListedDevice[]
}

export interface ListedDevice {
  readonly deviceId: number
  readonly registrationId: number
  readonly deviceKey: Bytes
  readonly attestation: Bytes
  readonly sealedName: Bytes
  /** ms since the epoch. */
  readonly addedAt: number
  /** First millisecond of a UTC day; 0: never connected. */
  readonly lastSeenDay: number
}

export interface NewDevice {
  readonly accountId: string
  /** The store's number of the device that wants it: one that has ended, or is frozen, brings no other. */
  readonly by: number
  /** What attestation and keys were checked against. */
  readonly identityKey: Bytes
  readonly deviceId: number
  readonly deviceKey: Bytes
  readonly registrationId: number
  readonly attestation: Bytes
  readonly sealedName: Bytes
  readonly keys: KeySet
  readonly now: number
}

export type AddOutcome =
  | { readonly kind: 'added'; readonly revision: number }
  /** `unknown`: no such account, it is disabled, has another identity key by now, or the device that wants it is gone or frozen. */
  | { readonly kind: 'limit' | 'taken' | 'unknown' }

export interface RemovedDevice {
  readonly device: number
  readonly revision: number
}

/** The identity key of an account, and who may write to it without a permit. */
export interface IdentityStore {
  /**
   * Replaces the identity key and the access key's hash, removes the devices that are not kept, and drops the keys of those
   * that are; the one that asks brings its own. When the answer was lost it may be repeated, also with other keys.
   */
  replace(replacement: IdentityReplacement): Promise<ReplaceOutcome>
  /** Attestation and keys of another device under the new identity key; null when the account has another one. */
  adopt(adoption: IdentityAdoption): Promise<{ readonly revision: number } | null>
  accessKeyHash(accountId: string): Promise<Bytes | null>
  setAccessKeyHash(accountId: string, hash: Bytes): Promise<void>
}

export interface IdentityAdoption {
  readonly device: number
  readonly identityKey: Bytes
  readonly attestation: Bytes
  readonly keys: KeySet
}

export interface IdentityReplacement extends IdentityAdoption {
  /** Device ids of the account, besides the one that asks. */
  readonly keep: readonly number[]
  readonly previousIdentityKey: Bytes
  readonly accessKeyHash: Bytes
}

export type ReplaceOutcome =
  /** `removed`: the store's numbers. */
  | { readonly kind: 'replaced'; readonly revision: number; readonly removed: readonly number[] }
  | { readonly kind: 'superseded' }

/** What is known of the vaults that devices are opened from (ARCHITECTURE: vault generation). */
export interface GenerationStore {
  /** One durable transaction, one outcome for each act in order. */
  commit(acts: readonly GenerationAct[]): Promise<readonly GenerationOutcome[]>
}

export type GenerationAct =
  /** A device has proved itself. `next` becomes the pending token. */
  | ({
      readonly kind: 'connect'
      readonly device: number
      readonly next: Bytes
      readonly now: number
    } & VaultState)
  | { readonly kind: 'offer'; readonly device: number; readonly holder: Bytes; readonly token: Bytes }
  | {
      readonly kind: 'confirm'
      readonly device: number
      readonly holder: Bytes
      readonly token: Bytes
      readonly stopping: boolean
      /** Of a connection that was judged `foreign`: where its vault stands is right from now on. */
      readonly accepted: AcceptedVault | null
    }
  | { readonly kind: 'freeze'; readonly device: number }

/** What a device says of its vault. */
export interface VaultState {
  /** Empty before the first. */
  readonly token: Bytes
  readonly holder: Bytes
  readonly takenUpTo: number
}

export interface AcceptedVault {
  readonly takenUpTo: number
  /** The highest id that had been acknowledged when it was judged. */
  readonly acknowledged: number
}

export type GenerationOutcome =
  | {
      readonly kind: 'judged'
      readonly verdict: GenerationVerdict
      readonly revision: number
      readonly acknowledged: number
    }
  | { readonly kind: 'offered' | 'confirmed' | 'notPending' | 'frozen' | 'gone' }
