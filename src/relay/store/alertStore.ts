import type { BudgetName } from '../budgets/table.ts'
import type { Level } from '../budgets/window.ts'
import type { ActContext } from './peopleStore.ts'

/** What an administrator has to know of, until somebody has said that it is looked after. */
export interface AlertStore {
  /** In the journal too. False when there is one for the same account, device, budget, limit and period, or no such account. */
  raise(alert: NewAlert): Promise<boolean>
  /** Newest first, at most so many. */
  list(filter: { readonly openOnly: boolean; readonly limit: number }): Promise<readonly Alert[]>
  /** How many were open; `id` null: all of them. In the journal. */
  acknowledge(id: number | null, reason: string, context: ActContext): Promise<number>
  /** Those that were in no message yet, for whoever sends one; after `leaseMs` without `mailed` they come again. */
  claim(now: number, leaseMs: number, limit: number): Promise<readonly Alert[]>
  /** Whether any was in no message yet, whoever claims it. */
  waits(): Promise<boolean>
  mailed(ids: readonly number[]): Promise<void>
  /** They may be claimed again at once. */
  release(ids: readonly number[]): Promise<void>
  forget(before: number): Promise<void>
}

export interface NewAlert {
  readonly at: number
  readonly accountId: string
  /** 0: the account, not one device. */
  readonly deviceId: number
  readonly budget: BudgetName
  readonly kind: 'soft' | 'hard'
  readonly level: Level
  readonly used: number
  readonly limit: number
  /** Number of the window of time in which it is told once. */
  readonly period: number
}

export interface Alert extends Omit<NewAlert, 'period'> {
  readonly id: number
  readonly acknowledgedAt: number | null
  readonly reason: string
}
