import type { Clock } from '../../base/clock.ts'
import { reportOf } from '../../base/errors.ts'
import type { RelayLog } from '../log.ts'
import { engineCode } from '../store/engineCode.ts'
import type {
  PutOutcome,
  PutRequest,
  QueueDelete,
  QueueGroup,
  QueueStore,
  StoredEnvelope,
} from '../store/store.ts'

/** An outcome, or `failed`: nothing of the group was stored and the sender has to repeat it. */
export type PutAnswer = PutOutcome | { readonly kind: 'failed' }

export interface GroupCommitDeps {
  readonly queues: Pick<QueueStore, 'commit'>
  readonly clock: Clock
  readonly log: RelayLog
  /** Called after each commit, once the senders have their answers, with what is newly stored, in queue order. */
  readonly onStored: (envelopes: readonly StoredEnvelope[]) => void
  /** Told when too much waits (true: stop reading from sockets) and when it no longer does. */
  readonly onPressure: (high: boolean) => void
}

interface WaitingPut {
  readonly request: PutRequest
  readonly bytes: number
  readonly answer: (answer: PutAnswer) => void
}

/** Bounds of one group and of what may wait for the next, in envelopes' bytes, puts and deletes. */
const groupBytes = 8 * 1024 * 1024
const groupPuts = 2_000
const groupDeletes = 2_000
const pressureBytes = 16 * 1024 * 1024
const pressurePuts = 10_000
const pressureDeletes = 50_000
const reliefBytes = 4 * 1024 * 1024
const reliefPuts = 2_000
const reliefDeletes = 10_000
const deleteDelayMs = 5
/** About what a put costs beside its bodies, so that floods of empty ones count too. */
const putOverheadBytes = 256

/**
 * Self-clocking group commit: everything that is read in one turn of the event loop, and everything that arrives
 * during a commit, makes one transaction with one fsync. There is no timer for puts: the group grows by itself under
 * load (twenty times the throughput of single commits on a good disk, two hundred times on an office one).
 */
export class GroupCommit {
  readonly #deps: GroupCommitDeps
  #puts: WaitingPut[] = []
  #deletes: QueueDelete[] = []
  #waitingBytes = 0
  #scheduled = false
  #running = false
  #deleteTimer: NodeJS.Timeout | null = null
  #pressed = false
  #failedAt: number | null = null
  #idle: (() => void)[] = []

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps
  }

  /** Takes a put that was checked before; `answer` is called after the fsync, never earlier, exactly once. */
  put(request: PutRequest, answer: (answer: PutAnswer) => void): void {
    const bytes = request.envelopes.reduce((sum, envelope) => sum + envelope.body.length, putOverheadBytes)
    this.#puts.push({ request, bytes, answer })
    this.#waitingBytes += bytes
    this.#schedule()
    this.#weigh()
  }

  /** Deletes ride on the next commit of puts. Losing one means another delivery, never a lost envelope. */
  acknowledge(device: number, ids: readonly number[]): void {
    for (const id of ids) this.#deletes.push({ device, id })
    if (this.#deletes.length >= groupDeletes) this.#schedule()
    else this.#armDeletes()
    this.#weigh()
  }

  /** When the last group was not taken, by `performance.now()`; null when it was, and before the first. */
  get failedAt(): number | null {
    return this.#failedAt
  }

  /** What waits for the next commit. */
  get waiting(): { readonly puts: number; readonly bytes: number } {
    return { puts: this.#puts.length, bytes: this.#waitingBytes }
  }

  /** Settles when nothing waits any more. */
  async drain(): Promise<void> {
    if (this.#deletes.length > 0) this.#schedule()
    if (!this.#scheduled && !this.#running) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#scheduled || this.#running) return
    this.#scheduled = true
    setImmediate(() => void this.#commit())
  }

  /** The timer does not count as scheduled: a delete must never delay a put. */
  #armDeletes(): void {
    if (this.#scheduled || this.#running || this.#deleteTimer !== null || this.#deletes.length === 0) return
    this.#deleteTimer = setTimeout(() => {
      this.#deleteTimer = null
      if (this.#deletes.length > 0) this.#schedule()
    }, deleteDelayMs)
  }

  async #commit(): Promise<void> {
    this.#scheduled = false
    this.#running = true
    const puts = this.#takePuts()
    const deletes = this.#deletes.splice(0, groupDeletes)
    const outcomes = await this.#attempt({
      puts: puts.map((put) => put.request),
      deletes,
      now: this.#deps.clock.now(),
    })
    this.#running = false
    this.#tell(puts, outcomes)
    this.#weigh()
    this.#goOn()
  }

  #goOn(): void {
    if (this.#puts.length > 0 || this.#deletes.length >= groupDeletes) this.#schedule()
    else if (this.#idle.length > 0) {
      if (this.#deletes.length > 0) this.#schedule()
      else for (const resolve of this.#idle.splice(0)) resolve()
    } else this.#armDeletes()
  }

  #takePuts(): WaitingPut[] {
    let bytes = 0
    let count = 0
    for (const put of this.#puts) {
      if (count > 0 && (bytes + put.bytes > groupBytes || count >= groupPuts)) break
      bytes += put.bytes
      count += 1
    }
    this.#waitingBytes -= bytes
    return this.#puts.splice(0, count)
  }

  /** Null when the group failed; its deletes are then tried alone, for on a full disk they are what helps. */
  async #attempt(group: QueueGroup): Promise<readonly PutOutcome[] | null> {
    const begun = performance.now()
    try {
      const outcomes = await this.#deps.queues.commit(group)
      this.#deps.log.debug('group committed', {
        puts: group.puts.length,
        deletes: group.deletes.length,
        stored: storedIn(outcomes),
        ms: performance.now() - begun,
      })
      if (group.puts.length > 0) this.#failedAt = null
      return outcomes
    } catch (thrown) {
      this.#failedAt = performance.now()
      this.#deps.log.error('group not committed', {
        puts: group.puts.length,
        deletes: group.deletes.length,
        error: reportOf(thrown).code,
        engine: engineCode(thrown),
      })
      if (group.puts.length > 0 && group.deletes.length > 0) await this.#attempt({ ...group, puts: [] })
      return null
    }
  }

  #tell(puts: readonly WaitingPut[], outcomes: readonly PutOutcome[] | null): void {
    const stored: StoredEnvelope[] = []
    for (const [index, put] of puts.entries()) {
      const outcome = outcomes?.[index] ?? { kind: 'failed' }
      put.answer(outcome)
      if (outcome.kind === 'stored') stored.push(...outcome.added)
    }
    if (stored.length > 0) this.#deps.onStored(stored)
  }

  #weigh(): void {
    const [bytes, puts, deletes] = [this.#waitingBytes, this.#puts.length, this.#deletes.length]
    const high = bytes > pressureBytes || puts > pressurePuts || deletes > pressureDeletes
    const low = bytes < reliefBytes && puts < reliefPuts && deletes < reliefDeletes
    if (this.#pressed ? !low : !high) return
    this.#pressed = !this.#pressed
    this.#deps.onPressure(this.#pressed)
  }
}

function storedIn(outcomes: readonly PutOutcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + (outcome.kind === 'stored' ? outcome.added.length : 0), 0)
}
