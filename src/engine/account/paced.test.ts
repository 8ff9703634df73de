import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Paced } from './paced.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Work that ends when it is told to. */
class Work {
  begun = 0
  atOnce = 0
  most = 0
  readonly #ends: (() => void)[] = []

  readonly run = async (): Promise<void> => {
    this.begun += 1
    this.atOnce += 1
    this.most = Math.max(this.most, this.atOnce)
    await new Promise<void>((done) => this.#ends.push(done))
    this.atOnce -= 1
  }

  async end(): Promise<void> {
    this.#ends.shift()?.()
    await vi.advanceTimersByTimeAsync(0)
  }
}

describe('what is paced', () => {
  it('is begun at once, then at most once in a while, however often it is asked for', async () => {
    const [paced, work] = [new Paced(1_000), new Work()]
    const seen: number[] = []
    for (let n = 0; n < 30; n += 1) {
      paced.ask(work.run)
      await vi.advanceTimersByTimeAsync(100)
      await work.end()
      seen.push(work.begun)
    }
    expect(seen[0]).toBe(1)
    expect(seen[8]).toBe(1)
    expect(seen[28]).toBe(3)
  })

  it('never runs twice at the same time, when it takes longer than that or fails', async () => {
    const [paced, work] = [new Paced(1_000), new Work()]
    for (let n = 0; n < 50; n += 1) {
      paced.ask(work.run)
      await vi.advanceTimersByTimeAsync(100)
    }
    expect([work.begun, work.most]).toEqual([1, 1])
    await work.end()
    expect([work.begun, work.most]).toEqual([2, 1])
    await work.end()
    paced.ask(async () => Promise.reject(new Error('no relay')))
    await vi.advanceTimersByTimeAsync(1_000)
    paced.ask(work.run)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(work.begun).toBe(3)
  })

  it('is done as it was asked for last', async () => {
    const [paced, done] = [new Paced(1_000), [] as string[]]
    paced.begun()
    for (const name of ['on the connection that was', 'on the one that is'])
      paced.ask(async () => void done.push(name))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(done).toEqual(['on the one that is'])
  })

  it('is forgotten where it has not begun, and waited for where it has', async () => {
    const [paced, work] = [new Paced(1_000), new Work()]
    paced.begun()
    paced.ask(work.run)
    await paced.stop()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(work.begun).toBe(0)
    paced.ask(work.run)
    await vi.advanceTimersByTimeAsync(0)
    let stopped = false
    const stopping = paced.stop().then(() => {
      stopped = true
    })
    await vi.advanceTimersByTimeAsync(0)
    expect([work.begun, stopped]).toEqual([1, false])
    await work.end()
    await stopping
    expect(stopped).toBe(true)
  })
})
