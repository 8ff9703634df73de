import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../../wire/limits.ts'
import type { StoredEnvelope } from '../store/store.ts'
import { bufferedBytesMax, Delivery, framesOf } from './delivery.ts'

function envelope(id: number, bytes = 10): StoredEnvelope {
  return { device: 1, id, receivedAt: 1, messageId: new Uint8Array(16), body: new Uint8Array(bytes) }
}

type Act =
  | { readonly kind: 'commit'; readonly count: number }
  /** `elsewhere`: another process commits; its hint may be lost, or come late. */
  | { readonly kind: 'answerPage' | 'acknowledge' | 'clog' | 'unclog' | 'elsewhere' | 'hint' }

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 120 }) }),
    },
    { weight: 5, arbitrary: fc.constant({ kind: 'answerPage' as const }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'acknowledge' as const }) },
    { weight: 2, arbitrary: fc.constantFrom({ kind: 'elsewhere' as const }, { kind: 'hint' as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ kind: 'clog' as const }, { kind: 'unclog' as const }) },
  ),
  { maxLength: 60 },
)

/** A queue whose pages are read when asked but answered when the test says so, as PostgreSQL would. */
class Bench {
  readonly queue: StoredEnvelope[] = []
  readonly delivered: number[] = []
  readonly pending: (() => void)[] = []
  acknowledged = 0
  mostInFlight = 0
  empties = 0
  deliveredAtEmpty = -1
  buffered = 0
  readonly delivery = new Delivery({
    device: 1,
    queues: {
      alone: false,
      newest: async () => this.queue.at(-1)?.id ?? 0,
      page: async (_device, after, rows) => {
        const found = this.queue.filter((e) => e.id > after).slice(0, rows)
        return new Promise((resolve) => this.pending.push(() => resolve(found)))
      },
    },
    deliver: (envelopes) => {
      this.delivered.push(...envelopes.map((e) => e.id))
      this.mostInFlight = Math.max(this.mostInFlight, this.delivered.length - this.acknowledged)
    },
    queueEmpty: () => {
      this.empties += 1
      this.deliveredAtEmpty = this.delivered.length
    },
    buffered: () => this.buffered,
    failed: (thrown) => {
      throw thrown
    },
  })

  commit(count: number): void {
    const added = Array.from({ length: count }, (_, n) => envelope(this.queue.length + n + 1))
    this.queue.push(...added)
    this.delivery.stored(added)
  }

  acknowledge(): void {
    const ids = this.delivered.slice(this.acknowledged)
    this.acknowledged = this.delivered.length
    this.delivery.acknowledged(ids)
  }

  async act(act: Act): Promise<void> {
    if (act.kind === 'commit') this.commit(act.count)
    else if (act.kind === 'answerPage') this.pending.shift()?.()
    else if (act.kind === 'acknowledge') this.acknowledge()
    else if (act.kind === 'elsewhere') this.queue.push(envelope(this.queue.length + 1))
    else if (act.kind === 'hint') this.delivery.look()
    else {
      this.buffered = act.kind === 'clog' ? bufferedBytesMax + 1 : 0
      this.delivery.wake()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }

  async finish(): Promise<void> {
    await this.act({ kind: 'unclog' })
    await this.act({ kind: 'hint' })
    for (
      let n = 0;
      n < 5_000 && (this.delivered.length < this.queue.length || this.pending.length > 0);
      n += 1
    ) {
      await this.act({ kind: 'answerPage' })
      await this.act({ kind: 'acknowledge' })
    }
  }
}

test('however commits, page answers, acknowledgements and a slow reader interleave: all, once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 400 }), acts, async (waiting, list) => {
      const bench = new Bench()
      for (let id = 1; id <= waiting; id += 1) bench.queue.push(envelope(id))
      void bench.delivery.start()
      for (const act of list) await bench.act(act)
      await bench.finish()
      expect(bench.delivered).toEqual(bench.queue.map((e) => e.id))
      expect(bench.mostInFlight).toBeLessThanOrEqual(limits.deliverInFlight)
      expect(bench.empties).toBe(1)
      expect(bench.deliveredAtEmpty).toBeGreaterThanOrEqual(waiting)
    }),
    { numRuns: 60 },
  )
})

test('nothing is sent to a reader that does not take what it was sent', async () => {
  const bench = new Bench()
  bench.buffered = bufferedBytesMax + 1
  void bench.delivery.start()
  bench.commit(10)
  await bench.act({ kind: 'answerPage' })
  expect(bench.delivered).toEqual([])
  await bench.finish()
  expect(bench.delivered).toHaveLength(10)
})

test('frames stay within their bytes and their page', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: limits.envelopeBytes }), { maxLength: 300 }), (sizes) => {
      const envelopes = sizes.map((size, index) => envelope(index + 1, size))
      const frames = framesOf(envelopes)
      expect(frames.flat()).toEqual(envelopes)
      for (const frame of frames) {
        expect(frame.length).toBeLessThanOrEqual(limits.deliverPage)
        const bytes = frame.reduce((sum, e) => sum + e.body.length + 40, 0)
        expect(bytes).toBeLessThanOrEqual(limits.frameBytes)
      }
    }),
    { numRuns: 50 },
  )
})
