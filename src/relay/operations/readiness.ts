import type { ErrorCode } from '../../base/errors.ts'
import { reportOf } from '../../base/errors.ts'

/** Why a relay that lives should be sent nobody; null when it should. */
export type Unready = 'stopping' | ErrorCode | null

export interface ReadinessDeps {
  /** One small durable write; throws when the store does not take it. */
  readonly write: () => Promise<void>
  /** When the last group of puts was not taken; null when it was. Monotonic, in milliseconds, as `now`. */
  readonly failedAt: () => number | null
  /** Left out: `performance.now()`. */
  readonly now?: () => number
}

/** However often it is asked, it writes no more often than this, in milliseconds. */
const everyMs = 1_000
/** A failed group counts for so long without another, in milliseconds: who is sent nobody could not succeed again. */
const failedMs = 15_000
/** A store that answers nothing for so long is not ready, in milliseconds. */
const answerMs = 2_000

/**
 * Whether the store takes writes, found out by one. A relay whose last group failed is not ready either: a database at
 * its highest size still takes the small write.
 */
export class Readiness {
  readonly #deps: ReadinessDeps
  readonly #now: () => number
  #stopping = false
  #asked: { readonly at: number; readonly answer: Promise<Unready> } | null = null

  constructor(deps: ReadinessDeps) {
    this.#deps = deps
    this.#now = deps.now ?? (() => performance.now())
  }

  /** From now on it is not ready. */
  stop(): void {
    this.#stopping = true
  }

  async look(): Promise<Unready> {
    if (this.#stopping) return 'stopping'
    const now = this.#now()
    const failedAt = this.#deps.failedAt()
    if (failedAt !== null && now - failedAt < failedMs) return 'relay.unavailable'
    if (this.#asked === null || now - this.#asked.at >= everyMs) {
      this.#asked = { at: now, answer: this.#write() }
    }
    return this.#asked.answer
  }

  async #write(): Promise<Unready> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Unready>((resolve) => {
      timer = setTimeout(() => resolve('relay.unavailable'), answerMs)
    })
    try {
      const written = this.#deps.write().then(
        () => null,
        (thrown: unknown) => reportOf(thrown).code,
      )
      return await Promise.race([written, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
