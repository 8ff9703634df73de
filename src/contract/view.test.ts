import fc from 'fast-check'
import { expect, it } from 'vitest'
import { messageSchema } from './index.ts'

it('has only moments that can be shown', () => {
  const last = 8.64e15
  const numbers = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -5, max: 5 }).map((n) => last + n),
  )
  fc.assert(
    fc.property(numbers, (time) => {
      const exists = time >= 0 && !Number.isNaN(new Date(time).getTime())
      expect(messageSchema.shape.sentAt.safeParse(time).success).toBe(exists)
    }),
  )
})
