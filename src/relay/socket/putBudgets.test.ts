import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PutBudgets } from './putBudgets.ts'

test('a burst passes, then a second’s worth for each second that was waited; each device has its own', () => {
  let now = 5
  const budgets = new PutBudgets({ burst: 50, perSecond: 10 }, () => now)
  const passes = (device: number): number => {
    let count = 0
    while (budgets.spend(device) === 0) count += 1
    return count
  }
  expect(passes(1)).toBe(50)
  expect(budgets.spend(1)).toBe(1_001)
  expect(passes(2)).toBe(50)
  now += 1_000
  expect(passes(1)).toBe(10)
  now += 3_600_000
  expect(passes(1)).toBe(50)
})

test('nobody passes more than burst + rate × time; who waits as told passes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.nat(500), { minLength: 1, maxLength: 200 }),
      (burst, perSecond, steps) => {
        let now = 0
        let passed = 0
        const budgets = new PutBudgets({ burst, perSecond }, () => now)
        for (const step of steps) {
          now += step
          if (budgets.spend(1) === 0) passed += 1
        }
        expect(passed).toBeLessThanOrEqual(burst + (perSecond * now) / 1_000)
        const wait = budgets.spend(1)
        now += wait
        if (wait > 0) expect(budgets.spend(1)).toBe(0)
      },
    ),
  )
})

test('of many addresses only those are remembered that have spent something', () => {
  let now = 0
  const budgets = new PutBudgets<string>({ burst: 2, perSecond: 1 }, () => now)
  budgets.spend('early')
  budgets.spend('early')
  now += 500
  for (let n = 0; n < 40_000; n += 1) {
    now += 1
    budgets.spend(`address ${n}`)
  }
  // Those that were forgotten are as good as new, and nobody gained by it.
  expect([1, 2, 3].map(() => budgets.spend('early') === 0)).toEqual([true, true, false])
  expect(budgets.spend('address 39999')).toBe(0)
  expect(budgets.spend('address 39999')).toBeGreaterThan(0)
})
