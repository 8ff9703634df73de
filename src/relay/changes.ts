import { reportOf } from '../base/errors.ts'
import { exhausted } from '../base/exhaustive.ts'
import type { DeviceEvents } from './http/handlers.ts'
import type { RelayLog } from './log.ts'
import type { Change, ChangeStore } from './store/peopleStore.ts'

/** What connections have to learn of changes that another process or a command made. */
export interface ChangeEvents extends DeviceEvents {
  /** Connections of this account end. */
  disabled(accountId: string): void
  /** Changes are gone that nobody here has heard of: every device has to prove itself anew. */
  missed(): void
}

export interface ChangeWatchDeps {
  readonly changes: ChangeStore
  readonly events: ChangeEvents
  readonly log: RelayLog
  /** Milliseconds between two looks. */
  readonly everyMs: number
}

const atOnce = 1_000

/**
 * Tells connections what changed in the store, whoever changed it. HTTP needs none of it: a token is looked up at each
 * request. SECURITY 9: polling, so that no process has to be told who is connected to which.
 */
export class ChangeWatch {
  readonly #deps: ChangeWatchDeps
  #seen = 0
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(deps: ChangeWatchDeps) {
    this.#deps = deps
  }

  /** To be called before the first connection: what changed earlier each of them sees for itself. */
  async start(): Promise<void> {
    this.#seen = await this.#deps.changes.newest()
    this.#wait()
  }

  /** Settles once the store is no longer read. */
  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#looking
  }

  #wait(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#wait())
    }, this.#deps.everyMs).unref()
  }

  /** Never throws: while the store is away nothing is delivered either, and the next look comes. */
  async #look(): Promise<void> {
    try {
      for (let full = true; full && !this.#stopped;) {
        const changes = await this.#deps.changes.after(this.#seen, atOnce)
        for (const change of changes) this.#tell(change)
        full = changes.length === atOnce
      }
    } catch (thrown) {
      this.#deps.log.error('changes not read', { error: reportOf(thrown).code })
    }
  }

  #tell(change: Change): void {
    const { events } = this.#deps
    if (change.id !== this.#seen + 1) events.missed()
    this.#seen = change.id
    switch (change.kind) {
      case 'deviceEnded':
        return events.removed([change.device])
      case 'devicesChanged':
        return events.changed(change.accountId, change.revision)
      case 'accountDisabled':
        return events.disabled(change.accountId)
      default:
        return exhausted(change)
    }
  }
}
