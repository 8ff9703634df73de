import type { Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import type { RelayLog } from '../log.ts'
import { engineCode } from '../store/engineCode.ts'
import type { BudgetAmount, BudgetState, BudgetStore } from '../store/budgetStore.ts'
import { budgetNames, type AccountBudget, type AccountBudgets, type BudgetName } from './table.ts'
import { judge, oldestSlot, slotAt, sumOf, type SlotCount, type Verdict } from './window.ts'

/** Whose act it is; device 0 where it is no single device's. */
export interface Spender {
  readonly accountId: string
  readonly deviceId: number
  /** The device that a second factor is asked for, where the act counts for none. */
  readonly asked?: number
}

/** Whether a second factor can be asked for, and was given. `none`: the account has none. Otherwise where to show it. */
export type StepUp = 'none' | 'given' | { readonly address: string }

/** Whether this device may go on past the soft limits of this budget. */
export type StepUpAsking = (device: Spender, budget: BudgetName) => Promise<StepUp>

export interface LedgerDeps {
  readonly store: BudgetStore
  readonly budgets: AccountBudgets
  readonly clock: Clock
  readonly log: RelayLog
  /** Asked past a soft limit alone. */
  readonly stepUp: StepUpAsking
  /** A limit was passed: told every time, who hears it tells it once. */
  readonly passed: (who: Spender, budget: BudgetName, verdict: Exclude<Verdict, { kind: 'within' }>) => void
}

/** Counts of another process, and what an administrator has set, are known after so many milliseconds. */
const freshMs = 1_000
/** What was taken ahead and not used is given back after so many milliseconds. */
const flushMs = 1_000
/** Up to the soft limit such a part of the hard one is taken ahead. */
const step = 10
const forgetMs = 600_000

/** One budget of one account, as far as this process knows. */
interface Entry {
  readonly accountId: string
  readonly budget: BudgetName
  state: BudgetState
  readAt: number
  /** Used and not yet stored, or below zero: stored ahead and not used. What is being stored stays in it until it is. */
  pending: SlotCount[]
  /** A read or a write of this entry is under way; no other begins meanwhile. */
  busy: Promise<void> | null
}

/**
 * What accounts use of their budgets. An act is durable before it is answered, and the store adds nothing past a hard
 * limit, so that several processes keep it together. So that not each search costs an fsync, a tenth is taken ahead, in
 * memory for a second: others find it used meanwhile, and a crash leaves it so. Past a soft limit nothing is.
 */
export class BudgetLedger {
  readonly #deps: LedgerDeps
  readonly #entries = new Map<string, Entry>()
  #timer: NodeJS.Timeout | null = null
  #forgotAt = 0

  constructor(deps: LedgerDeps) {
    this.#deps = deps
  }

  /**
   * Counts an act, or throws and counts nothing: `budget.spent` past a hard limit, `budget.stepUp` past a soft one for
   * whoever can show a second factor and has not, with the address to do so; both with `retryAfterMs`.
   */
  async spend(who: Spender, budget: BudgetName, amount = 1): Promise<void> {
    if (amount === 0) return
    const verdict = await this.#judged(who, budget, amount)
    if (verdict.kind === 'hard') throw spent(verdict.retryAfterMs)
  }

  /** `spend` where nobody is asked for a second factor: a soft limit only tells of it. */
  async spendUnasked(who: Spender, budget: BudgetName): Promise<void> {
    const verdict = await this.#judged(who, budget, 1, 'none')
    if (verdict.kind === 'hard') throw spent(verdict.retryAfterMs)
  }

  /** `spend` without counting: whether an act that comes later would be refused. */
  async check(who: Spender, budget: BudgetName): Promise<void> {
    const entry = await this.#fresh(who.accountId, budget)
    const verdict = this.#judge(entry, who, 1)
    if (verdict.kind === 'hard') throw spent(verdict.retryAfterMs)
    if (verdict.kind === 'within') return
    const stepUp = await this.#stepUp(who, budget)
    if (typeof stepUp === 'string') return
    this.#deps.passed(who, budget, verdict)
    throw new CodedError('budget.stepUp', { retryAfterMs: verdict.retryAfterMs, ...stepUp })
  }

  /** Counts an act that nobody is refused; false once its hard limit is passed, which is not counted. */
  async within(accountId: string, budget: BudgetName): Promise<boolean> {
    // Others act here: the account's own person has nothing to confirm.
    const verdict = await this.#judged({ accountId, deviceId: 0 }, budget, 1, 'none')
    return verdict.kind !== 'hard'
  }

  /** What `within` counted was not done after all. */
  async refund(accountId: string, budget: BudgetName): Promise<void> {
    this.#count(await this.#fresh(accountId, budget), 0, -1)
  }

  /** Permits, which their own store counts by days and refuses (null): here they are noted, and told of. */
  async draw(
    accountId: string,
    count: number,
    work: (perDay: number) => Promise<{ readonly left: number } | null>,
  ): Promise<{ readonly left: number } | null> {
    const entry = await this.#fresh(accountId, 'permits')
    const { soft, hard } = this.#budgetOf(entry).account
    const drawn = await work(hard)
    const used = hard - (drawn?.left ?? 0)
    const kind = drawn === null ? 'hard' : 'soft'
    const passed = {
      kind,
      level: 'account',
      used,
      limit: drawn === null ? hard : soft,
      retryAfterMs: 0,
    } as const
    if (drawn === null || used > soft) this.#deps.passed({ accountId, deviceId: 0 }, 'permits', passed)
    if (drawn !== null) this.#count(entry, 0, count)
    return drawn
  }

  /** Makes durable what was counted; for the orderly stop. */
  async drain(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const { busy } of this.#entries.values()) await busy
    await this.#flush([...this.#entries.values()])
  }

  async #judged(who: Spender, budget: BudgetName, amount: number, asked?: StepUp): Promise<Verdict> {
    let stepUp = asked
    const entry = this.#entry(who.accountId, budget)
    for (;;) {
      while (!known(entry)) await this.#know(entry)
      // From here to the count nothing is awaited: two acts at once cannot both use the last of it.
      const verdict = this.#judge(entry, who, amount)
      if (verdict.kind === 'soft' && stepUp === undefined) {
        stepUp = await this.#stepUp(who, budget)
        continue
      }
      if (verdict.kind === 'soft' && typeof stepUp === 'object') {
        this.#deps.passed(who, budget, verdict)
        throw new CodedError('budget.stepUp', { retryAfterMs: verdict.retryAfterMs, ...stepUp })
      }
      const counted = verdict.kind === 'hard' || (await this.#taken(entry, who, amount))
      // Another process was faster: what it took is looked at first.
      if (!counted) continue
      if (verdict.kind !== 'within') this.#deps.passed(who, budget, verdict)
      return verdict
    }
  }

  async #stepUp({ accountId, deviceId, asked }: Spender, budget: BudgetName): Promise<StepUp> {
    return this.#deps.stepUp({ accountId, deviceId: asked ?? deviceId }, budget)
  }

  /** Uses what was taken ahead, or takes from the store. False: others have used what was left. */
  async #taken(entry: Entry, who: Spender, amount: number): Promise<boolean> {
    const held = -sumOf(this.#ownPending(entry, who))
    if (held >= amount) {
      this.#count(entry, who.deviceId, amount)
      return true
    }
    const { windowMs, account, device } = this.#budgetOf(entry)
    const ahead = Math.floor(account.hard / step)
    const more = this.#judge(entry, who, amount + ahead).kind === 'within' ? ahead : 0
    const now = this.#deps.clock.now()
    const { accountId, budget } = entry
    const count = { deviceId: who.deviceId, slot: slotAt(now, windowMs), used: amount - held + more }
    const limits = { account: account.hard, device: device?.hard ?? null }
    let taken = false
    await this.#busy([entry], async () => {
      // Until it is known what became of it.
      entry.readAt = -Infinity
      const since = oldestSlot(now, windowMs)
      taken = await this.#deps.store.take({ accountId, budget, ...count }, since, limits)
      if (!taken) return
      entry.readAt = performance.now()
      entry.state = { ...entry.state, counts: [...entry.state.counts, count] }
      this.#note(entry, { ...count, used: held - more })
    })
    return taken
  }

  #count(entry: Entry, deviceId: number, used: number): void {
    this.#note(entry, {
      deviceId,
      slot: slotAt(this.#deps.clock.now(), this.#budgetOf(entry).windowMs),
      used,
    })
  }

  #note(entry: Entry, count: SlotCount): void {
    if (count.used === 0) return
    entry.pending.push(count)
    this.#schedule()
  }

  #judge(entry: Entry, who: Spender, amount: number): Verdict {
    const counts = [...entry.state.counts, ...this.#ownPending(entry, who)]
    const now = this.#deps.clock.now()
    return judge({ budget: this.#budgetOf(entry), counts, deviceId: who.deviceId, amount, now })
  }

  /** What was taken ahead for others, or in an earlier slot, is not for this act. */
  #ownPending(entry: Entry, { deviceId }: Spender): SlotCount[] {
    const slot = slotAt(this.#deps.clock.now(), this.#budgetOf(entry).windowMs)
    return entry.pending.filter((count) => count.deviceId === deviceId && count.slot === slot)
  }

  /** What an administrator has set holds for the account and, where it is more, for each of its devices. */
  #budgetOf({ budget, state: { set } }: Entry): AccountBudget {
    const usual = this.#deps.budgets[budget]
    if (set === null) return usual
    return { windowMs: usual.windowMs, account: set, device: usual.device === null ? null : set }
  }

  #entry(accountId: string, budget: BudgetName): Entry {
    const key = `${accountId} ${budget}`
    const entry = this.#entries.get(key) ?? newEntry(accountId, budget)
    this.#entries.set(key, entry)
    return entry
  }

  async #fresh(accountId: string, budget: BudgetName): Promise<Entry> {
    const entry = this.#entry(accountId, budget)
    while (!known(entry)) await this.#know(entry)
    return entry
  }

  /** Waits for what is under way, or reads. */
  async #know(entry: Entry): Promise<void> {
    if (entry.busy !== null) return entry.busy
    const { accountId, budget } = entry
    await this.#busy([entry], async () => {
      const now = this.#deps.clock.now()
      const since = oldestSlot(now, this.#deps.budgets[budget].windowMs)
      entry.state = await this.#deps.store.read(accountId, budget, since, now)
      entry.readAt = performance.now()
    })
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.#tick(), flushMs).unref()
  }

  async #tick(): Promise<void> {
    this.#timer = null
    await this.#flush([...this.#entries.values()].filter(({ busy }) => busy === null))
    if ([...this.#entries.values()].some(({ pending }) => pending.length > 0)) this.#schedule()
    await this.#forgetOld()
  }

  async #flush(entries: readonly Entry[]): Promise<void> {
    const waiting = entries.filter(({ pending }) => pending.length > 0)
    if (waiting.length === 0) return
    try {
      await this.#write(waiting)
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    await this.#busy(entries, async () => {
      const written = entries.map((entry) => ({ entry, counts: [...entry.pending] }))
      await this.#deps.store.add(written.flatMap(({ entry, counts }) => amountsOf(entry, counts)))
      for (const { entry, counts } of written) {
        entry.pending = entry.pending.slice(counts.length)
        entry.state = { ...entry.state, counts: [...entry.state.counts, ...counts] }
      }
    })
  }

  async #busy(entries: readonly Entry[], work: () => Promise<void>): Promise<void> {
    const running = work()
    const ended = running
      .catch(() => undefined)
      .then(() => {
        for (const entry of entries) entry.busy = null
      })
    for (const entry of entries) entry.busy = ended
    await running
    await ended
  }

  async #forgetOld(): Promise<void> {
    const idle = performance.now() - 2 * freshMs
    for (const [key, entry] of this.#entries) {
      if (entry.busy === null && entry.pending.length === 0 && entry.readAt < idle) this.#entries.delete(key)
    }
    const now = this.#deps.clock.now()
    if (Math.abs(now - this.#forgotAt) < forgetMs) return
    this.#forgotAt = now
    try {
      for (const budget of budgetNames) {
        await this.#deps.store.forget(budget, oldestSlot(now, this.#deps.budgets[budget].windowMs), now)
      }
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  #failed(thrown: unknown): void {
    this.#deps.log.error('budgets not stored', { error: reportOf(thrown).code, engine: engineCode(thrown) })
  }
}

/** Nothing of it is under way, and what other processes do was looked at lately. */
function known({ busy, readAt }: Entry): boolean {
  return busy === null && performance.now() - readAt < freshMs
}

function newEntry(accountId: string, budget: BudgetName): Entry {
  const state = { counts: [], set: null }
  return { accountId, budget, state, readAt: -Infinity, pending: [], busy: null }
}

/** One amount for each device and slot. */
function amountsOf({ accountId, budget }: Entry, counts: readonly SlotCount[]): BudgetAmount[] {
  const sums = new Map<string, BudgetAmount>()
  for (const { deviceId, slot, used } of counts) {
    const key = `${deviceId} ${slot}`
    const before = sums.get(key)?.used ?? 0
    sums.set(key, { accountId, budget, deviceId, slot, used: before + used })
  }
  return [...sums.values()].filter(({ used }) => used !== 0)
}

function spent(retryAfterMs: number): CodedError {
  return new CodedError('budget.spent', { retryAfterMs })
}
