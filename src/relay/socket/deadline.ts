const slices = 10

/**
 * Calls `work` each time after `ms` milliseconds in which the process ran and `held` was false. A turn of the event loop
 * that took long counts as a tenth at most, and what had come in by then is read before `work` is called: a relay that is
 * itself too slow must not hold that against the peer.
 */
export class Interval {
  readonly #timer: NodeJS.Timeout
  #left = slices
  #ended = false

  constructor(ms: number, held: () => boolean, work: () => void) {
    this.#timer = setInterval(() => {
      if (held()) return
      this.#left -= 1
      if (this.#left > 0) return
      this.#left = slices
      // Sockets are read between timers and immediates.
      setImmediate(() => {
        if (!this.#ended) work()
      })
    }, ms / slices)
  }

  /** Holds no process up. */
  unref(): this {
    this.#timer.unref()
    return this
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
  }
}

/** Calls `late` once, after `ms` milliseconds as `Interval` counts them. */
export class Deadline {
  readonly #interval: Interval

  constructor(ms: number, held: () => boolean, late: () => void) {
    this.#interval = new Interval(ms, held, () => {
      this.#interval.end()
      late()
    })
  }

  end(): void {
    this.#interval.end()
  }
}
