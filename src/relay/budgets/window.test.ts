import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccountBudget } from './table.ts'
import { judge, slotAt, sumOf, type SlotCount } from './window.ts'

const hourMs = 3_600_000
const budget: AccountBudget = {
  windowMs: hourMs,
  device: { soft: 10, hard: 20 },
  account: { soft: 15, hard: 30 },
}

interface Act {
  readonly at: number
  readonly deviceId: number
  readonly amount: number
}

/** Does all that is not refused, and answers what was done. */
function play(
  acts: readonly { readonly waitMs: number; readonly deviceId: number; readonly amount: number }[],
) {
  const counts: SlotCount[] = []
  const done: Act[] = []
  let now = 1_800_000_000_000
  for (const { waitMs, deviceId, amount } of acts) {
    now += waitMs
    const verdict = judge({ budget, counts, deviceId, amount, now })
    if (verdict.kind === 'hard') {
      // Asked again when the refusal says, and not before, the same act passes, or it never can.
      const later = (ms: number) => judge({ budget, counts, deviceId, amount, now: now + ms }).kind
      expect(later(verdict.retryAfterMs - 1)).toBe('hard')
      expect(later(verdict.retryAfterMs) !== 'hard' || amount > 20).toBe(true)
      continue
    }
    counts.push({ deviceId, slot: slotAt(now, budget.windowMs), used: amount })
    done.push({ at: now, deviceId, amount })
  }
  return done
}

const actsArbitrary = fc.array(
  fc.record({
    waitMs: fc.integer({ min: 0, max: hourMs / 3 }),
    deviceId: fc.integer({ min: 1, max: 3 }),
    amount: fc.integer({ min: 1, max: 25 }),
  }),
  { maxLength: 60 },
)

test('within no hour, wherever it begins, is more used than the hard limits; a refusal says when it ends', () => {
  fc.assert(
    fc.property(actsArbitrary, (acts) => {
      const done = play(acts)
      for (const { at } of done) {
        const hour = done.filter((act) => act.at >= at && act.at < at + hourMs)
        expect(hour.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(30)
        for (const deviceId of [1, 2, 3]) {
          const own = hour.filter((act) => act.deviceId === deviceId)
          expect(own.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(20)
        }
      }
    }),
  )
})

test('a soft limit is told with what was used; the hard one wins; a clock that goes back gives nothing', () => {
  const now = 1_800_000_000_000
  const slot = slotAt(now, hourMs)
  const counts = [{ deviceId: 1, slot, used: 9 }]
  const ask = (amount: number, at = now, deviceId = 1) => judge({ budget, counts, deviceId, amount, now: at })
  expect(ask(1)).toEqual({ kind: 'within' })
  expect(ask(2)).toMatchObject({ kind: 'soft', level: 'device', used: 9, limit: 10 })
  expect(ask(2, now, 2)).toEqual({ kind: 'within' })
  expect(ask(7, now, 2)).toMatchObject({ kind: 'soft', level: 'account', used: 9, limit: 15 })
  expect(ask(12)).toMatchObject({ kind: 'hard', level: 'device' })
  expect(ask(12, now - 24 * hourMs)).toMatchObject({ kind: 'hard' })
  expect(ask(12, now + 2 * hourMs)).toMatchObject({ kind: 'soft' })
  expect(sumOf(counts)).toBe(9)
})
