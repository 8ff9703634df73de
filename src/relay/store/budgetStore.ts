import type { BudgetName, Allowance } from '../budgets/table.ts'
import type { SlotCount } from '../budgets/window.ts'
import type { ActContext } from './peopleStore.ts'

/** What accounts have used of their budgets, by slots of time. SECURITY 9: amounts, never what or whom they were used on. */
export interface BudgetStore {
  /** Counts of all devices of an account since a slot, and what an administrator has set for it. */
  read(accountId: string, budget: BudgetName, since: number, now: number): Promise<BudgetState>
  /** Adds to what other processes have counted. Accounts that are gone are passed over. One durable transaction. */
  add(amounts: readonly BudgetAmount[]): Promise<void>
  /**
   * The same for one act, when its account, and its device where that has a limit, have then used no more than that
   * since a slot, whatever other processes add in this moment. False: they would have, and nothing changed.
   */
  take(amount: BudgetAmount, since: number, limits: BudgetLimits): Promise<boolean>
  /** Forgets slots of a budget before this one, and settings that have ended. */
  forget(budget: BudgetName, before: number, now: number): Promise<void>
  /** Sets an account's allowance until a time; in the journal. False: there is no such account. */
  allow(setting: BudgetSetting, reason: string, context: ActContext): Promise<boolean>
  /** Forgets what the account has used of a budget, and what was set for it; in the journal. False: no such account. */
  reset(accountId: string, budget: BudgetName, reason: string, context: ActContext): Promise<boolean>
}

export interface BudgetState {
  readonly counts: readonly SlotCount[]
  readonly set: Allowance | null
}

export interface BudgetAmount extends SlotCount {
  readonly accountId: string
  readonly budget: BudgetName
}

export interface BudgetLimits {
  readonly account: number
  /** Null: the account's alone holds. */
  readonly device: number | null
}

export interface BudgetSetting {
  readonly accountId: string
  readonly budget: BudgetName
  readonly allowance: Allowance
  readonly until: number
}
