/** Does what it is asked for a while later: one run at a time, and no two begun within `everyMs`. Failures are the work's. */
export class Paced {
  readonly #everyMs: number
  #begunAt = -Infinity
  #work: () => Promise<void> = async () => undefined
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** The same was begun by other means just now. */
  begun(): void {
    this.#begunAt = performance.now()
  }

  /** Asked for again before it has begun, it is done once, as it was asked for last. */
  ask(work: () => Promise<void>): void {
    this.#work = work
    if (this.#timer !== null) return
    const wait = Math.max(0, this.#begunAt + this.#everyMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#running = this.#running.then(async () => this.#run())
    }, wait)
    this.#timer.unref()
  }

  /** Forgets what was asked for and has not begun; settles when nothing runs. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#running
  }

  async #run(): Promise<void> {
    this.begun()
    await this.#work().catch(() => undefined)
  }
}
