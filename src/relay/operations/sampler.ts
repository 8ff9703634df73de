import type { QueueMark, QueueStatsStore, QueueTotals } from '../store/queueStats.ts'

/** Rows of one slice: about a millisecond of the store's time. */
const sliceRows = 5_000
const pauseMs = 10

export interface SamplerDeps {
  readonly stats: Pick<QueueStatsStore, 'slice'>
  /** Milliseconds between two samples. */
  readonly everyMs: number
}

/** Measures all queues from time to time, a slice at a time: counting a million rows at once would stop everybody. */
export class QueueSampler {
  readonly #deps: SamplerDeps
  #totals: QueueTotals | null = null
  #timer: NodeJS.Timeout | null = null
  #working: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(deps: SamplerDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#working = this.#sample()
  }

  /** Settles once the store is no longer read. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#working
  }

  /** Null until the first sample is complete. */
  get totals(): QueueTotals | null {
    return this.#totals
  }

  /** Never throws: what could not be measured keeps its last value, and the next time comes. */
  async #sample(): Promise<void> {
    try {
      this.#totals = await this.#measure()
    } catch {
      // A store that cannot be read is told by readiness and by the log of whoever needs it.
    }
    if (!this.#stopped) this.#wait(this.#deps.everyMs)
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.start(), ms).unref()
  }

  async #measure(): Promise<QueueTotals | null> {
    let after: QueueMark | null = null
    let [envelopes, bytes] = [0, 0]
    do {
      if (this.#stopped) return this.#totals
      const slice = await this.#deps.stats.slice(after, sliceRows)
      envelopes += slice.envelopes
      bytes += slice.bytes
      after = slice.next
      if (after !== null) await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
    } while (after !== null)
    return { envelopes, bytes }
  }
}
