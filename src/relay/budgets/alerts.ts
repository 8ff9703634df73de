import type { Clock } from '../../base/clock.ts'
import { reportOf } from '../../base/errors.ts'
import type { RelayCounters } from '../counters.ts'
import type { RelayLog } from '../log.ts'
import type { AlertStore, NewAlert } from '../store/alertStore.ts'
import { engineCode } from '../store/engineCode.ts'
import type { Spender } from './ledger.ts'
import type { AccountBudgets, BudgetName } from './table.ts'
import type { Verdict } from './window.ts'

export interface AlertsDeps {
  readonly store: AlertStore
  readonly budgets: AccountBudgets
  readonly clock: Clock
  readonly log: RelayLog
  readonly counters: RelayCounters
  /** There is a new one. */
  readonly raised: () => void
}

/** So many are remembered as told; past it all are forgotten, and the store knows what it was told. */
const toldMax = 10_000
const keptMs = 365 * 24 * 3_600_000

/** Tells an administrator once in a window that an account has passed a limit. */
export class Alerts {
  readonly #deps: AlertsDeps
  /** Who is refused a thousand times a second costs one write. */
  readonly #told = new Set<string>()
  #storing: Promise<void> = Promise.resolve()

  constructor(deps: AlertsDeps) {
    this.#deps = deps
  }

  passed(who: Spender, budget: BudgetName, verdict: Exclude<Verdict, { kind: 'within' }>): void {
    const at = this.#deps.clock.now()
    const { kind, level, used, limit } = verdict
    const deviceId = level === 'device' ? who.deviceId : 0
    const period = Math.floor(at / this.#deps.budgets[budget].windowMs)
    const key = [who.accountId, deviceId, budget, kind, level, period].join(' ')
    if (this.#told.has(key)) return
    if (this.#told.size >= toldMax) this.#told.clear()
    this.#told.add(key)
    const alert = { at, accountId: who.accountId, deviceId, budget, kind, level, used, limit, period }
    this.#storing = this.#storing.then(async () => this.#store(alert, key))
  }

  /** Settles when all that was told is stored. */
  async drain(): Promise<void> {
    await this.#storing
  }

  async #store(alert: NewAlert, key: string): Promise<void> {
    const { store, counters, log } = this.#deps
    try {
      if (!(await store.raise(alert))) return
      counters.count(alert.kind === 'hard' ? 'budgetsHard' : 'budgetsSoft')
      log.warn(alert.kind === 'hard' ? 'budget spent' : 'budget passed softly')
      this.#deps.raised()
      await store.forget(alert.at - keptMs)
    } catch (thrown) {
      this.#told.delete(key)
      log.error('alert not stored', { error: reportOf(thrown).code, engine: engineCode(thrown) })
    }
  }
}
