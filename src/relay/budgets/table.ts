import { limits } from '../../wire/limits.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** What may be used within any window. Past `soft` a second factor is asked for, past `hard` nothing is given. */
export interface Allowance {
  readonly soft: number
  readonly hard: number
}

export interface AccountBudget {
  readonly windowMs: number
  /** Each device of the account; null where acts are not counted for devices. */
  readonly device: Allowance | null
  /** All devices of the account together, those that are gone by now among them. */
  readonly account: Allowance
}

/**
 * What one account may do, so that a stolen one does not empty the relay. Counted in the storage engine
 * (`ledger.ts`), not to be taken for the rates of `http/budgets.ts`, which only keep one client from costing others.
 */
export const usualAccountBudgets = {
  /** People of the directory that are shown; the same one counts once in a window. */
  directory: { windowMs: hourMs, device: { soft: 120, hard: 150 }, account: { soft: 160, hard: 200 } },
  /** Questions to the directory: their totals tell something even when nobody is shown. */
  searches: { windowMs: hourMs, device: { soft: 400, hard: 600 }, account: { soft: 600, hard: 900 } },
  /** Bundles of the account's own other devices: each takes one-time keys. */
  ownKeys: { windowMs: hourMs, device: { soft: 60, hard: 120 }, account: { soft: 120, hard: 240 } },
  /** Devices that are linked. */
  links: { windowMs: dayMs, device: null, account: { soft: 2, hard: 5 } },
  /** Blind permits drawn; the draw itself counts them by UTC days and is what refuses. */
  permits: {
    windowMs: dayMs,
    device: null,
    account: { soft: (limits.permitsPerDay * 3) / 4, hard: limits.permitsPerDay },
  },
  /** One-time keys that others take from this account by permits: past it they get the last resort. */
  keysByPermit: { windowMs: hourMs, device: null, account: { soft: 30, hard: 30 } },
  /** The same by the account's access key. */
  keysByContacts: { windowMs: hourMs, device: null, account: { soft: 60, hard: 60 } },
  /** Lists of accounts on the administrator's page: fifty each, so many of them are a bulk read. */
  accountLists: { windowMs: hourMs, device: null, account: { soft: 10, hard: 20 } },
  /** Single accounts that are looked at there; each act shows its account again. */
  accountReads: { windowMs: hourMs, device: null, account: { soft: 100, hard: 200 } },
  /** Accounts that are disabled or enabled, devices that are ended, and limits that are reset there. */
  accountActs: { windowMs: hourMs, device: null, account: { soft: 30, hard: 60 } },
  /** Invitations that are made there: whoever uses one for an account that exists takes it over. */
  accountInvites: { windowMs: hourMs, device: null, account: { soft: 15, hard: 30 } },
} as const satisfies Record<string, AccountBudget>

export type BudgetName = keyof typeof usualAccountBudgets
export type AccountBudgets = Readonly<Record<BudgetName, AccountBudget>>

export const budgetNames = Object.keys(usualAccountBudgets).filter((name): name is BudgetName =>
  Object.hasOwn(usualAccountBudgets, name),
)

export function isBudgetName(name: string): name is BudgetName {
  return Object.hasOwn(usualAccountBudgets, name)
}
