import { systemClock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { budgetNames, usualAccountBudgets, type Allowance, type BudgetName } from '../budgets/table.ts'
import { oldestSlot, sumOf } from '../budgets/window.ts'
import type { ActContext } from '../store/peopleStore.ts'
import type { Alert } from '../store/alertStore.ts'
import type { RelayStore } from '../store/store.ts'
import { checkedAccountId } from './administration.ts'
import { readRelayData } from './relayData.ts'
import { withStore } from './withStore.ts'

/** An alert in a list; older ones are asked for by nobody. */
export const listedMax = 1_000
const dayMs = 24 * 3_600_000

export interface BudgetUse {
  readonly budget: BudgetName
  /** Of all devices, in the window that ends now and the slot before it. */
  readonly used: number
  readonly allowance: Allowance
  /** An administrator has set it. */
  readonly set: boolean
  readonly windowMs: number
}

/** What an account has used. Throws `argument.invalid` for an unknown account, and the codes of `readRelayData`. */
export async function readBudgets(data: string, account: string): Promise<readonly BudgetUse[]> {
  return withAccount(data, account, async (store, accountId) =>
    budgetUses(store, accountId, systemClock.now()),
  )
}

/** The same over an open store, of an account that there is. */
export async function budgetUses(
  { budgets }: Pick<RelayStore, 'budgets'>,
  accountId: string,
  now: number,
): Promise<readonly BudgetUse[]> {
  return Promise.all(
    budgetNames.map(async (budget) => {
      const { windowMs, account: usual } = usualAccountBudgets[budget]
      const state = await budgets.read(accountId, budget, oldestSlot(now, windowMs), now)
      const used = sumOf(state.counts)
      return { budget, used, allowance: state.set ?? usual, set: state.set !== null, windowMs }
    }),
  )
}

/** Lets an account use up to `hard` for some days; running relays know of it within a second. */
export async function allowBudget(
  data: string,
  account: string,
  setting: { readonly budget: BudgetName; readonly hard: number; readonly days: number },
  reason: string,
  context: ActContext,
): Promise<void> {
  const { budget, hard, days } = setting
  const { soft, hard: usual } = usualAccountBudgets[budget].account
  // The caution threshold keeps its share of the limit.
  const allowance = { soft: Math.floor((hard * soft) / usual), hard }
  await withAccount(data, account, async ({ budgets }, accountId) =>
    budgets.allow({ accountId, budget, allowance, until: context.now + days * dayMs }, reason, context),
  )
}

/** Forgets what the account has used of a budget, and what was set for it. */
export async function resetBudget(
  data: string,
  account: string,
  budget: BudgetName,
  reason: string,
  context: ActContext,
): Promise<void> {
  await withAccount(data, account, async ({ budgets }, accountId) =>
    budgets.reset(accountId, budget, reason, context),
  )
}

export async function readAlerts(data: string, openOnly: boolean): Promise<readonly Alert[]> {
  await readRelayData(data)
  return withStore(data, async ({ alerts }) => alerts.list({ openOnly, limit: listedMax }))
}

/** How many were open; `id` null: all. Throws `argument.invalid` when there was none. */
export async function acknowledgeAlerts(
  data: string,
  id: number | null,
  reason: string,
  context: ActContext,
): Promise<number> {
  await readRelayData(data)
  return withStore(data, async ({ alerts }) => acknowledgeIn(alerts, id, reason, context))
}

/** The same over an open store. */
export async function acknowledgeIn(
  alerts: RelayStore['alerts'],
  id: number | null,
  reason: string,
  context: ActContext,
): Promise<number> {
  const count = await alerts.acknowledge(id, reason, context)
  if (count === 0 && id !== null) throw new CodedError('argument.invalid', { option: 'alert' })
  return count
}

async function withAccount<T>(
  data: string,
  account: string,
  work: (store: RelayStore, accountId: string) => Promise<T>,
): Promise<T> {
  await readRelayData(data)
  const accountId = checkedAccountId(account)
  return withStore(data, async (store) => {
    if ((await store.people.find(accountId)) === null) {
      throw new CodedError('argument.invalid', { option: 'account' })
    }
    return work(store, accountId)
  })
}
