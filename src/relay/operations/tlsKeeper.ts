import type { Clock } from '../../base/clock.ts'
import type { ErrorCode } from '../../base/errors.ts'
import {
  datesProblem,
  pairProblem,
  sameKey,
  tlsDates,
  type TlsDates,
  type TlsFiles,
} from '../data/tlsFiles.ts'
import type { RelayLog } from '../log.ts'

export interface TlsKeeperDeps {
  /** Reads the files again; throws when it cannot. */
  readonly read: () => Promise<TlsFiles>
  /** New connections get this pair; those there are keep theirs. */
  readonly apply: (files: TlsFiles) => void
  readonly clock: Clock
  readonly log: RelayLog
  /** Milliseconds between two looks at the files. */
  readonly everyMs: number
}

export interface TlsState extends TlsDates {
  readonly problem: ErrorCode | null
}

/** How often an administrator is told of the same thing, in milliseconds. */
const tellEveryMs = 24 * 3_600_000

/**
 * The certificate in force: renewed files are taken without a restart, at a signal or when they are noticed. A pair that
 * is damaged, over, or of another key leaves the old one in force and is told.
 */
export class TlsKeeper {
  readonly #deps: TlsKeeperDeps
  #files: TlsFiles
  #dates: TlsDates
  /** Of the files that were not taken. */
  #refusal: ErrorCode | null = null
  #told: { readonly problem: ErrorCode | null; readonly at: number } = { problem: null, at: 0 }
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()

  /** `files` are in force already and fit each other. */
  constructor(files: TlsFiles, deps: TlsKeeperDeps) {
    this.#files = files
    this.#deps = deps
    this.#dates = tlsDates(files.certificate) ?? { startsAt: 0, endsAt: 0 }
  }

  get state(): TlsState {
    return { ...this.#dates, problem: this.#refusal ?? datesProblem(this.#dates, this.#deps.clock.now()) }
  }

  start(): void {
    this.#tell()
    this.#timer = setInterval(() => void this.reload(), this.#deps.everyMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Looks at the files now. Never throws; one look at a time. */
  async reload(): Promise<void> {
    this.#looking = this.#looking.then(async () => this.#look())
    return this.#looking
  }

  async #look(): Promise<void> {
    const files = await this.#read()
    this.#refusal = files === null ? 'tls.unreadable' : this.#refused(files)
    if (files !== null && this.#refusal === null && !same(files, this.#files)) this.#take(files)
    this.#tell()
  }

  async #read(): Promise<TlsFiles | null> {
    try {
      return await this.#deps.read()
    } catch {
      return null
    }
  }

  #refused(files: TlsFiles): ErrorCode | null {
    if (same(files, this.#files)) return null
    const problem = pairProblem(files)
    if (problem !== null) return problem
    if (!sameKey(files, this.#files)) return 'tls.keyChanged'
    const dates = tlsDates(files.certificate)
    const now = this.#deps.clock.now()
    return dates !== null && datesProblem(dates, now) === 'tls.expired' ? 'tls.expired' : null
  }

  #take(files: TlsFiles): void {
    this.#deps.apply(files)
    this.#files = files
    this.#dates = tlsDates(files.certificate) ?? this.#dates
    this.#deps.log.info('tls certificate read')
  }

  #tell(): void {
    const { problem } = this.state
    const at = this.#deps.clock.now()
    if (problem === this.#told.problem && at - this.#told.at < tellEveryMs) return
    this.#told = { problem, at }
    if (problem !== null) this.#deps.log.warn('tls certificate', { error: problem })
  }
}

function same(a: TlsFiles, b: TlsFiles): boolean {
  return a.certificate === b.certificate && a.key === b.key
}
