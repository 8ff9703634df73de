import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonSize } from './jsonSize.ts'

describe('jsonSize', () => {
  it('is close to the real length, never below its half', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const real = JSON.stringify(value).replaceAll(/\\u.{4}|\\./g, 'x').length
        const size = jsonSize(value, Number.MAX_SAFE_INTEGER)
        expect(typeof size === 'number' && size >= real / 2 && size <= real * 2 + 8).toBe(true)
      }),
    )
  })

  it('stops at the limit', () => {
    expect(jsonSize('x'.repeat(10), 12)).toBe(12)
    expect(jsonSize('x'.repeat(11), 12)).toBe('tooLarge')
    expect(jsonSize(Array.from({ length: 1_000_000 }), 1000)).toBe('tooLarge')
    expect(jsonSize({ ['k'.repeat(2000)]: 1 }, 1000)).toBe('tooLarge')
  })

  it('refuses what JSON cannot hold', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const values = [
      new Map(),
      new Set(),
      new Uint8Array(4),
      new Date(),
      new Error('x'),
      /x/,
      1n,
      NaN,
      Infinity,
      cycle,
    ]
    for (const value of values) expect(jsonSize({ value }, 1000)).toBe('notJson')
    expect(jsonSize(() => 1, 1000)).toBe('notJson')
    expect(jsonSize(Symbol('x'), 1000)).toBe('notJson')
  })
})
