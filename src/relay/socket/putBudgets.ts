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

/** So many buckets may be kept before those that are full again are forgotten. */
const bucketsMax = 20_000

/**
 * What each may put: a token bucket by device (the store's number, so that a new connection does not refill it) or by
 * network address.
 */
export class PutBudgets<Key = number> {
  readonly #budget: BurstBudget
  readonly #now: () => number
  readonly #buckets = new Map<Key, Bucket>()

  /** `now` is monotonic, in milliseconds: the wall clock may jump. */
  constructor(budget: BurstBudget, now: () => number = () => performance.now()) {
    this.#budget = budget
    this.#now = now
  }

  /**
   * 0: the put may go on. Otherwise it may not, and these are the milliseconds until a second's worth has gathered,
   * so that a sender who waits is not refused again at once.
   */
  spend(key: Key): number {
    const { burst, perSecond } = this.#budget
    const bucket = this.#filled(key)
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 0
    }
    const worth = Math.max(1, Math.min(burst, perSecond))
    return Math.floor(((worth - bucket.tokens) * 1_000) / perSecond) + 1
  }

  #filled(key: Key): Bucket {
    const { burst, perSecond } = this.#budget
    const now = this.#now()
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      const full = { tokens: burst, at: now }
      this.#makeRoom(now)
      this.#buckets.set(key, full)
      return full
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000)
    bucket.at = now
    return bucket
  }

  #makeRoom(now: number): void {
    if (this.#buckets.size < bucketsMax) return
    const { burst, perSecond } = this.#budget
    for (const [key, { tokens, at }] of this.#buckets) {
      if (tokens + ((now - at) * perSecond) / 1_000 >= burst) this.#buckets.delete(key)
    }
  }
}
