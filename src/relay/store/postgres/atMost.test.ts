import { expect, test } from 'vitest'
import { AtMost } from './atMost.ts'

test('no more tasks run than may, in their order, and one that fails gives its place back', async () => {
  const places = new AtMost(2)
  const begun: number[] = []
  const ends: ((how: 'done' | 'failed') => void)[] = []
  const all = Array.from({ length: 6 }, async (_, n) =>
    places.run(async () => {
      begun.push(n)
      if ((await new Promise<'done' | 'failed'>((resolve) => (ends[n] = resolve))) === 'failed')
        throw new Error('failed')
      return n
    }),
  )
  const settled = Promise.allSettled(all)
  for (let n = 0; n < all.length; n += 1) {
    // Turns of the event loop: all that can begin has begun.
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toEqual([0, 1, 2, 3, 4, 5].slice(0, n + 2))
    ends[n]?.(n === 1 ? 'failed' : 'done')
  }
  expect((await settled).map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    false,
    true,
    true,
    true,
    true,
  ])
})
