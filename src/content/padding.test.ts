import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxContentBytes, pad, paddedSizes, unpad } from './padding.ts'
import { codeOf } from './testing.ts'

describe('padding', () => {
  it('has at most 32 sizes, all rising and multiples of the cipher block', () => {
    expect(paddedSizes).toHaveLength(32)
    for (const [index, size] of paddedSizes.entries()) {
      expect(size % 16).toBe(0)
      expect(size).toBeGreaterThan(paddedSizes[index - 1] ?? 0)
    }
  })

  it('pads to one of the sizes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_000 }), (bytes) => {
        const padded = pad(bytes)
        expect(paddedSizes).toContain(padded.length)
        expect(unpad(padded)).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('has limits and refuses what was not padded', () => {
    expect(unpad(pad(new Uint8Array(maxContentBytes)))).toHaveLength(maxContentBytes)
    expect(codeOf(() => pad(new Uint8Array(maxContentBytes + 1)))).toBe('content.tooLarge')
    expect(codeOf(() => unpad(new Uint8Array(160)))).toBe('content.malformed')
    expect(codeOf(() => unpad(new Uint8Array(0)))).toBe('content.malformed')
    expect(codeOf(() => unpad(Uint8Array.of(1, 2, 3)))).toBe('content.malformed')
  })
})
