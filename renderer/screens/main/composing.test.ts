import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageTextBytes } from '../../limits.ts'
import { newMessageId, room } from './composing.ts'

const bytes = (text: string): number => new TextEncoder().encode(text).length

test('what is said to fit fits, what is said to be too much is just too much', () => {
  const text = fc
    .array(fc.constantFrom('a', 'é', '…', '🙂'), { minLength: 0, maxLength: 40 })
    .chain((some) =>
      fc
        .integer({ min: -8, max: 8 })
        .map(
          (shift) => 'x'.repeat(Math.max(0, messageTextBytes - bytes(some.join('')) + shift)) + some.join(''),
        ),
    )
  fc.assert(
    fc.property(text, (value) => {
      const left = room(value)
      if (left >= 0) {
        expect(bytes(value + '🙂'.repeat(left))).toBeLessThanOrEqual(messageTextBytes)
      } else {
        const all = [...value]
        expect(bytes(all.slice(0, left).join(''))).toBeLessThanOrEqual(messageTextBytes)
        expect(bytes(all.slice(0, left + 1 || undefined).join(''))).toBeGreaterThan(messageTextBytes)
      }
    }),
    { numRuns: 60 },
  )
})

test('message ids are 16 random bytes in hex', () => {
  expect(newMessageId()).toMatch(/^[0-9a-f]{32}$/)
  expect(newMessageId()).not.toBe(newMessageId())
})
