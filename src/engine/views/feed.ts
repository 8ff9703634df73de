import type { Change, Delta } from '../../contract/index.ts'

/** The numbered deltas of the state (ARCHITECTURE section 3): whoever misses a number asks for a snapshot. */
export class Feed {
  readonly #listeners = new Set<(delta: Delta) => void>()
  #number = 0

  /** Of the last delta told. */
  get number(): number {
    return this.#number
  }

  tell(change: Change): void {
    this.#number += 1
    const delta = { number: this.#number, change }
    for (const listener of this.#listeners) listener(delta)
  }

  listen(listener: (delta: Delta) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}
