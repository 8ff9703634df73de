import type { Bytes } from '../../base/bytes.ts'
import type { BudgetName } from '../budgets/table.ts'
import type { ActContext } from './peopleStore.ts'

/** Second factors of accounts (WebAuthn credentials), the one-time links that register them, and the limits that they open. */
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
   * Takes the counter of a signature that was verified, and does what it was for. In the journal, also when it is
   * `stale`: a counter that does not rise says that the authenticator was copied. Nothing else is changed then.
   * `unknown`, and nothing is changed, too for a step-up that is over, was used, or is another account's.
   */
  use(use: CredentialUse, now: number): Promise<UseOutcome>
  /** All of an account, with its open link. In the journal when there were any. Returns how many there were. */
  remove(accountId: string, context: ActContext): Promise<number>
  /** Whether a limit is open for a device. */
  stepUp(subject: StepUpSubject, now: number): Promise<'none' | 'open' | 'shut'>
  /**
   * The id under which the limit may be opened: of this request, or of an earlier one that still has more than
   * `leftMs`. Null where there is nothing to ask: no second factor, or it is open by now.
   */
  askStepUp(request: StepUpRequest, leftMs: number, now: number): Promise<Bytes | null>
  /** What is asked under this id; null when it is over, was used, or never was. */
  askedStepUp(id: Bytes, now: number): Promise<StepUpRequest | null>
  forgetStepUps(now: number): Promise<void>
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

export type CredentialUse = {
  readonly id: Bytes
  readonly counter: number
} & (
  | { readonly purpose: 'signIn' }
  /** Opens the limit that is asked under this id. */
  | { readonly purpose: 'stepUp'; readonly stepUp: Bytes; readonly until: number }
)

export type UseOutcome = 'used' | 'unknown' | 'stale'

/** One limit of one device. */
export interface StepUpSubject {
  readonly accountId: string
  readonly deviceId: number
  readonly budget: BudgetName
}

export interface StepUpRequest extends StepUpSubject {
  /** 16 random bytes. */
  readonly id: Bytes
  readonly endsAt: number
}
