const slices = 10

/**
 * Calls `late` after `ms` milliseconds in which the process ran and `held` was false. A turn of the event loop that
 * took long counts as a tenth at most, and what had come in by then is read before `late` is called: a relay that is
 * itself too slow must not hold that against the peer.
 */
export class Deadline {
  readonly #timer: NodeJS.Timeout
  #left = slices
  #ended = false

  constructor(ms: number, held: () => boolean, late: () => void) {
    this.#timer = setInterval(() => {
      if (held()) return
      this.#left -= 1
      if (this.#left > 0) return
      clearInterval(this.#timer)
      // Sockets are read between timers and immediates.
      setImmediate(() => {
        if (!this.#ended) late()
      })
    }, ms / slices)
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
  }
}
