import type { GenerationAct, GenerationOutcome, GenerationStore } from '../store/deviceStore.ts'

interface WaitingAct {
  readonly act: GenerationAct
  readonly done: (outcome: GenerationOutcome) => void
  readonly failed: (thrown: unknown) => void
}

const groupActs = 1_000

/**
 * What devices say of their vaults, in groups as puts are: when an office comes back at once, one turn of the event
 * loop is one transaction with one fsync.
 */
export class GenerationCommit {
  readonly #generations: GenerationStore
  #waiting: WaitingAct[] = []
  #busy = false
  #idle: (() => void)[] = []

  constructor(generations: GenerationStore) {
    this.#generations = generations
  }

  /** The outcome, once it is durable. Throws what the store throws. */
  async act(act: GenerationAct): Promise<GenerationOutcome> {
    return new Promise((done, failed) => {
      this.#waiting.push({ act, done, failed })
      this.#schedule()
    })
  }

  /** Settles when nothing waits any more. */
  async drain(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#busy) return
    this.#busy = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, groupActs))
    this.#busy = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #commit(group: readonly WaitingAct[]): Promise<void> {
    try {
      const outcomes = await this.#generations.commit(group.map(({ act }) => act))
      for (const [index, { done }] of group.entries()) done(outcomes[index] ?? { kind: 'gone' })
    } catch (thrown) {
      for (const { failed } of group) failed(thrown)
    }
  }
}
