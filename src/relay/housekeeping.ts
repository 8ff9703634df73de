import type { Clock } from '../base/clock.ts'
import { reportOf } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'
import type { LinkingPlace } from './linking.ts'
import type { RelayLog } from './log.ts'
import type { RelayStore } from './store/store.ts'

export interface HousekeepingDeps {
  readonly store: Pick<RelayStore, 'people' | 'changes' | 'credentials'>
  readonly linking: Pick<LinkingPlace, 'forget'>
  readonly clock: Clock
  readonly log: RelayLog
  readonly everyMs: number
}

/** What is left of a removed account goes within a day, also where the command that removed it was cut short. */
const forgetMs = 6 * 3_600_000

/** What a relay does by itself from time to time; several processes on one store may do it at once. */
export class Housekeeping {
  readonly #deps: HousekeepingDeps
  readonly #timer: NodeJS.Timeout
  #working: Promise<void> = Promise.resolve()
  #forgotAt = 0

  constructor(deps: HousekeepingDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => {
      this.#working = this.#working.then(async () => this.#keep())
    }, deps.everyMs)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#working
  }

  /** Never throws: the next time comes. */
  async #keep(): Promise<void> {
    const { store, linking, clock, log } = this.#deps
    const now = clock.now()
    try {
      const over = await store.people.expired(now)
      const acts = over.map((accountId) => ({ kind: 'disable', accountId }) as const)
      if (acts.length > 0) await store.people.apply(acts, { by: { kind: 'relay', name: '' }, now })
      await store.changes.prune(limits.changesKeptMs)
      await linking.forget()
      await store.credentials.forgetStepUps(now)
      if (now - this.#forgotAt < forgetMs) return
      await store.people.forget()
      this.#forgotAt = now
    } catch (thrown) {
      log.error('housekeeping failed', { error: reportOf(thrown).code })
    }
  }
}
