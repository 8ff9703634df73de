import type { Bytes } from '../../base/bytes.ts'
import type { JournalRow, JournalState } from '../../journal/index.ts'
import type { DirectoryEntry } from '../../wire/http.ts'
import type { ActType } from '../accounts/actTypes.ts'
import type { AccountRole, Standing } from '../accounts/standing.ts'

/** Accounts as those who administer the relay see them. */
export interface PeopleStore {
  /** Enrolled or not. */
  find(accountId: string): Promise<PersonRecord | null>
  /** In the order of account ids, from the one after `after`; of an organisation and what is under it, or of all. */
  page(after: string | null, limit: number, within: string | null): Promise<readonly PersonRecord[]>
  /**
   * One durable transaction, one outcome for each act in order. Every act that changed something is in the journal and,
   * where running relays have to hear of it, among the changes. When one is `unknown` or `taken`, nothing of them all was done.
   */
  apply(acts: readonly AccountAct[], context: ActContext): Promise<readonly ActOutcome[]>
  /** Accounts that are not disabled although their time is over. */
  expired(now: number): Promise<readonly string[]>
  /** Sees to it that no file holds anything of removed accounts any more. */
  forget(): Promise<void>
  /** Domains of addresses that this relay takes, in their canonical form. */
  domains(): Promise<readonly string[]>
}

export interface PersonRecord extends DirectoryEntry, Standing {
  readonly hidden: boolean
  readonly enrolledAt: number | null
  /** Canonical (`accounts/email.ts`). */
  readonly email: string | null
  /** The administration's own number of the person. */
  readonly identifier: string | null
  readonly devices: number
}

/** Who acts, and when. An operator is a user of the machine's operating system. */
export interface ActContext {
  readonly by: { readonly kind: 'operator' | 'account' | 'relay'; readonly name: string }
  /** ms since the epoch. */
  readonly now: number
}

export interface Profile extends Omit<DirectoryEntry, 'accountId'> {
  readonly email: string | null
  readonly identifier: string | null
}

export interface InvitationTerms {
  /** SHA-256 of the canonical code: the code itself is nowhere kept. */
  readonly codeHash: Bytes
  readonly createdAt: number
  readonly expiresAt: number
}

export type AccountAct =
  | {
      readonly kind: 'create'
      readonly accountId: string
      readonly profile: Profile
      readonly role: AccountRole
      readonly expiresAt: number | null
      readonly hidden: boolean
      readonly invitation: InvitationTerms
    }
  | { readonly kind: 'invite'; readonly accountId: string; readonly invitation: InvitationTerms }
  | { readonly kind: 'profile'; readonly accountId: string; readonly profile: Profile }
  | {
      readonly kind: 'role'
      readonly accountId: string
      readonly role: AccountRole
      readonly expiresAt: number | null
    }
  | { readonly kind: 'hide'; readonly accountId: string; readonly hidden: boolean }
  /** Its connections end and its tokens are refused; what others send it waits. Open invitations are of no use meanwhile. */
  | { readonly kind: 'disable'; readonly accountId: string }
  | { readonly kind: 'enable'; readonly accountId: string }
  /** With all that was stored of it, but for the proof in the journal. */
  | { readonly kind: 'remove'; readonly accountId: string }
  /** All devices of the account, with their queues and keys, and its open invitations. */
  | { readonly kind: 'endDevices'; readonly accountId: string }
  | { readonly kind: 'endDevice'; readonly accountId: string; readonly deviceId: number }
  | { readonly kind: 'domain'; readonly domain: string; readonly allowed: boolean }

export interface ActOutcome {
  /** `unknown`: no such account or device. `taken`: the address or the identifier is another account's. */
  readonly kind: 'done' | 'unchanged' | 'unknown' | 'taken'
}

/** What running relays have to hear of, numbered without gaps in the order in which it became visible. */
export interface ChangeStore {
  /** The newest number; 0 before the first. */
  newest(): Promise<number>
  /** Oldest first; more than `limit` come with the next call. */
  after(id: number, limit: number): Promise<readonly Change[]>
  /** Forgets what is older than so many ms, by the store’s own clock; of the newest, whom it was about. */
  prune(keptMs: number): Promise<void>
}

export type Change = { readonly id: number } &
  /** By the store's number. */
  (
    | { readonly kind: 'deviceEnded'; readonly device: number }
    | { readonly kind: 'devicesChanged'; readonly accountId: string; readonly revision: number }
    | { readonly kind: 'accountDisabled'; readonly accountId: string }
  )

/** The journal of administrative acts: appended to, hash-chained, never rewritten. No content, no person's name. */
export interface ActStore {
  append(event: ActEvent, context: ActContext): Promise<void>
  /** From `seq` on, oldest first. */
  rows(seq: number, limit: number): Promise<readonly JournalRow[]>
  state(): Promise<JournalState>
}

export interface ActEvent {
  readonly type: ActType
  /** Whom it concerned, and a word or a number of what was done. */
  readonly account?: string
  readonly detail?: string | number
}

export { actTypes, type ActType } from '../accounts/actTypes.ts'

/** The two-person rule: what one person asks for, another one of the same kind allows, within a time. */
export interface ApprovalStore {
  ask(request: ApprovalRequest, context: ActContext): Promise<void>
  approve(codeHash: Bytes, context: ActContext): Promise<ApprovalOutcome>
  /** Uses up what was approved; only who asked may. */
  use(codeHash: Bytes, context: ActContext): Promise<UseOutcome>
}

export interface ApprovalRequest {
  readonly codeHash: Bytes
  /** What is to be read. */
  readonly what: string
  readonly expiresAt: number
}

export type ApprovalOutcome = 'approved' | 'unknown' | 'samePerson'
export type UseOutcome = 'used' | 'unknown' | 'notApproved'
