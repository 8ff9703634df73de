import type { PutRequest, QueueStore } from '../store/store.ts'

/** What is not kept goes past the groups of `GroupCommit`, each with a question to the store of its own. */
const underWayMax = 200

export class EphemeralChecks {
  readonly #queues: Pick<QueueStore, 'check'>
  #underWay = 0

  constructor(queues: Pick<QueueStore, 'check'>) {
    this.#queues = queues
  }

  /** As `QueueStore.check`; null when too many wait for their answer. */
  begin(put: PutRequest): ReturnType<QueueStore['check']> | null {
    if (this.#underWay >= underWayMax) return null
    this.#underWay += 1
    return this.#queues.check(put).finally(() => (this.#underWay -= 1))
  }
}
