/**
 * Runs tasks one after another, in the order in which they were given. A task that fails fails alone.
 * libsignal takes no locks of its own, so everything that touches the session store passes one of these.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T> | T): Promise<T> {
    const result = this.#tail.then(task)
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Settles when everything given so far has ended. */
  async idle(): Promise<void> {
    await this.#tail
  }
}
