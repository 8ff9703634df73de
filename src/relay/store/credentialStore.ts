import type { Bytes } from '../../base/bytes.ts'
import type { ActContext } from './peopleStore.ts'

/** Second factors of accounts (WebAuthn credentials), the one-time links that register them, and when one was last shown. */
export interface CredentialStore {
  /** Takes the place of an earlier link of the account. In the journal. False: there is no such account. */
  link(link: CredentialLink, context: ActContext): Promise<boolean>
  /** The account of a link that was not used and is not over; null for any other. */
  linked(linkHash: Bytes, now: number): Promise<string | null>
  /** Uses the link and keeps the credential: both or neither. In the journal, as an act of the link's account. */
  register(linkHash: Bytes, credential: NewCredential, now: number): Promise<RegisterOutcome>
  find(id: Bytes): Promise<Credential | null>
  /** Oldest first. */
  list(accountId: string): Promise<readonly Credential[]>
  /**
   * Takes the counter of a signature that was verified, and notes what it was for. In the journal, also when it is
   * `stale`: a counter that does not rise says that the authenticator was copied. Nothing else is changed then.
   */
  use(use: CredentialUse, now: number): Promise<UseOutcome>
  /** All of an account, with its open link. In the journal when there were any. Returns how many there were. */
  remove(accountId: string, context: ActContext): Promise<number>
  /** Null: the account has no second factor. */
  shown(accountId: string): Promise<SecondFactorState | null>
}

export interface CredentialLink {
  readonly accountId: string
  /** SHA-256 of its 32 random bytes, which are nowhere kept. */
  readonly linkHash: Bytes
  /** ms since the epoch. */
  readonly expiresAt: number
}

export interface NewCredential {
  /** As the authenticator chose it. */
  readonly id: Bytes
  /** COSE. */
  readonly publicKey: Bytes
  readonly counter: number
}

export interface Credential extends NewCredential {
  readonly accountId: string
  readonly createdAt: number
}

/** `taken`: this credential is registered already. */
export type RegisterOutcome = 'registered' | 'unknown' | 'taken'

export interface CredentialUse {
  readonly id: Bytes
  readonly counter: number
  readonly purpose: 'signIn' | 'stepUp'
}

export type UseOutcome = 'used' | 'unknown' | 'stale'

export interface SecondFactorState {
  /** When the account last confirmed that it goes on past a soft limit; null: never. */
  readonly at: number | null
}
