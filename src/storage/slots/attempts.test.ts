import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  attemptsFile,
  attemptsLeft,
  failedAttempt,
  forgetAttempts,
  noAttempts,
  readAttempts,
  remainingWait,
} from './attempts.ts'
import { costFor, leastCost, normalisedPassphrase, passphraseLength } from './passphraseSlot.ts'

const day = 86_400_000
const now = 1_800_000_000_000

describe('the wait after wrong passphrases', () => {
  it('is none for four, then 30 s, doubling to 15 min', () => {
    let attempts = noAttempts
    const waits: number[] = []
    for (let turn = 0; turn < 12; turn++) {
      attempts = failedAttempt(attempts, now)
      waits.push(attempts.waitMs / 1000)
    }
    expect(waits).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900])
    expect(attemptsLeft(failedAttempt(noAttempts, now))).toBe(4)
  })

  it('is neither lifted nor made endless by any steps of the clock', () => {
    const steps = fc.array(fc.integer({ min: -3650 * day, max: 0 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 40 }), steps, (failures, backwards) => {
        let attempts = { ...failedAttempt({ ...noAttempts, failures: failures - 1 }, now) }
        let time = now
        for (const step of backwards) {
          time += step
          const { leftMs, next } = remainingWait(attempts, time)
          expect(leftMs).toBeGreaterThan(0)
          expect(leftMs).toBeLessThanOrEqual(attempts.waitMs)
          attempts = next
        }
        // From wherever the clock stands now, the wait ends after its own length.
        expect(remainingWait(attempts, time + attempts.waitMs).leftMs).toBe(0)
        expect(remainingWait(attempts, time + attempts.waitMs - 1).leftMs).toBeGreaterThan(0)
      }),
    )
  })
})

describe('the attempts file', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'valise-attempts-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('counts as used up when it is damaged, and the wait then begins once', async () => {
    const slots = join(folder, 'keyslots.json')
    for (const text of ['', '{', '{"version":1}', '{"version":1,"failures":9e99,"waitMs":0,"notedAt":0}']) {
      writeFileSync(attemptsFile(slots), text)
      expect(remainingWait(await readAttempts(slots, now), now).leftMs).toBe(30_000)
      expect(remainingWait(await readAttempts(slots, now + 10_000), now + 10_000).leftMs).toBe(20_000)
    }
    await forgetAttempts(slots)
    expect(await readAttempts(slots, now)).toEqual(noAttempts)
  })
})

const milliseconds = (max: number) => fc.double({ min: 0, max, noNaN: true })

describe('the cost of a passphrase', () => {
  it('never goes below the least and aims at half a second', () => {
    fc.assert(
      fc.property(fc.oneof(milliseconds(600), milliseconds(60_000)), (ms) => {
        const cost = costFor(ms)
        expect(cost.cost).toBeGreaterThanOrEqual(leastCost.cost)
        const factor = (cost.cost / leastCost.cost) * cost.parallelisation
        if (ms >= 20 && ms <= 500) expect(Math.abs(factor * ms - 500)).toBeLessThanOrEqual(ms * 1.01)
        if (ms > 500) expect(cost).toEqual(leastCost)
        expect(factor).toBeLessThanOrEqual(32)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the form of a passphrase', () => {
  it('is one for all ways to type it, and keeps different ones apart', () => {
    expect(normalisedPassphrase('e\u0301te\u0301\u00a0\u202f\u3000!')).toBe('été   !')
    expect(passphraseLength('e\u0301\u{1f511}')).toBe(2)
    // NFKC would make these equal.
    expect(normalisedPassphrase('m²')).not.toBe(normalisedPassphrase('m2'))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = normalisedPassphrase(text)
        expect(normalisedPassphrase(once)).toBe(once)
        expect(normalisedPassphrase(text.normalize('NFD'))).toBe(once)
      }),
    )
  })
})
