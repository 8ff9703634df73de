export interface BurstBudget {
  /** What may be spent at once after a pause. */
  readonly burst: number
  readonly perSecond: number
}

interface Bucket {
  tokens: number
  /** By the monotonic clock, in milliseconds. */
  at: number
}

/** What every device may put: a token bucket each, by the store's number, so that a new connection does not refill it. */
export class PutBudgets {
  readonly #budget: BurstBudget
  readonly #now: () => number
  readonly #buckets = new Map<number, Bucket>()

  /** `now` is monotonic, in milliseconds: the wall clock may jump. */
  constructor(budget: BurstBudget, now: () => number = () => performance.now()) {
    this.#budget = budget
    this.#now = now
  }

  /**
   * 0: the put may go on. Otherwise it may not, and these are the milliseconds until a second's worth has gathered,
   * so that a sender who waits is not refused again at once.
   */
  spend(device: number): number {
    const { burst, perSecond } = this.#budget
    const bucket = this.#filled(device)
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 0
    }
    const worth = Math.max(1, Math.min(burst, perSecond))
    return Math.floor(((worth - bucket.tokens) * 1_000) / perSecond) + 1
  }

  #filled(device: number): Bucket {
    const { burst, perSecond } = this.#budget
    const now = this.#now()
    const bucket = this.#buckets.get(device)
    if (bucket === undefined) {
      const full = { tokens: burst, at: now }
      this.#buckets.set(device, full)
      return full
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000)
    bucket.at = now
    return bucket
  }
}
