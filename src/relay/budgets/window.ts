import type { AccountBudget, Allowance } from './table.ts'

/** A window is counted in so many slots. One slot more is added up, so that no window of this length holds too much. */
export const slotsOfWindow = 6

/** What one device used in one slot; device 0 where acts are not counted for devices. */
export interface SlotCount {
  readonly deviceId: number
  readonly slot: number
  readonly used: number
}

export type Level = 'device' | 'account'

export type Verdict = { readonly kind: 'within' } | ({ readonly kind: 'soft' | 'hard' } & Passed)

/** The allowance that is passed. */
interface Passed {
  readonly level: Level
  /** What was used before. */
  readonly used: number
  readonly limit: number
  /** Milliseconds until the same may be asked for again. */
  readonly retryAfterMs: number
}

export function slotMs(windowMs: number): number {
  return windowMs / slotsOfWindow
}

export function slotAt(now: number, windowMs: number): number {
  return Math.floor(now / slotMs(windowMs))
}

/** The oldest slot that still counts. Slots after now do too: a clock that goes back gives nothing anew. */
export function oldestSlot(now: number, windowMs: number): number {
  return slotAt(now, windowMs) - slotsOfWindow
}

export interface Question {
  readonly budget: AccountBudget
  readonly counts: readonly SlotCount[]
  readonly deviceId: number
  readonly amount: number
  readonly now: number
}

/** Whether so much more may be used. Hard limits come first, and of two of a kind the one that ends later. */
export function judge(question: Question): Verdict {
  const { budget, counts, deviceId, now } = question
  const oldest = oldestSlot(now, budget.windowMs)
  const live = counts.filter(({ slot }) => slot >= oldest)
  const own = live.filter((count) => count.deviceId === deviceId)
  const levels: [Level, Allowance, readonly SlotCount[]][] = [['account', budget.account, live]]
  if (budget.device !== null) levels.push(['device', budget.device, own])
  const passed = (kind: 'soft' | 'hard'): Verdict[] =>
    levels.flatMap(([level, allowance, counted]) => past(kind, level, allowance[kind], counted, question))
  const later = (verdicts: Verdict[]): Verdict | undefined =>
    verdicts.toSorted((a, b) => retryOf(b) - retryOf(a)).at(0)
  return later(passed('hard')) ?? later(passed('soft')) ?? { kind: 'within' }
}

function retryOf(verdict: Verdict): number {
  return verdict.kind === 'within' ? 0 : verdict.retryAfterMs
}

function past(
  kind: 'soft' | 'hard',
  level: Level,
  limit: number,
  counts: readonly SlotCount[],
  { budget, amount, now }: Question,
): Verdict[] {
  const used = sumOf(counts)
  if (used + amount <= limit) return []
  const retryAfterMs = untilRoom(counts, limit - amount, budget.windowMs, now)
  return [{ kind, level, used, limit, retryAfterMs }]
}

/** Milliseconds until enough slots have left; where that never happens, until all have. */
function untilRoom(counts: readonly SlotCount[], room: number, windowMs: number, now: number): number {
  let used = sumOf(counts)
  let last = slotAt(now, windowMs)
  for (const count of counts.toSorted((a, b) => a.slot - b.slot)) {
    used -= count.used
    last = count.slot
    if (used <= room) break
  }
  return (last + slotsOfWindow + 1) * slotMs(windowMs) - now
}

export function sumOf(counts: readonly SlotCount[]): number {
  return counts.reduce((sum, { used }) => sum + used, 0)
}
