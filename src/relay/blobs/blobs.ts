import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { toBase64Url, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { limits } from '../../wire/limits.ts'
import type { RelayCounters } from '../counters.ts'
import type { RelayLog } from '../log.ts'
import type { BlobStore } from '../store/blobStore.ts'
import { engineCode } from '../store/engineCode.ts'
import type { SpendablePermit } from '../store/store.ts'
import { BlobFiles } from './blobFiles.ts'

export interface BlobSettings {
  /** One file, in bytes. */
  readonly maxBytes: number
  /** All of them. */
  readonly totalBytes: number
  /** Free space of their disk that is left to others. */
  readonly freeBytes: number
  /** Other processes have the same store and may write to the same folder: only old files without a name are taken for left behind. */
  readonly shared: boolean
  readonly sweepMs: number
}

const gigabyte = 1024 ** 3

export const usualBlobSettings: BlobSettings = {
  maxBytes: limits.blobBytes,
  totalBytes: 50 * gigabyte,
  freeBytes: gigabyte,
  shared: false,
  sweepMs: 60_000,
}

/** After its last read a file may be read again so long, by who has read it: the answer may have been lost. */
const graceMs = 600_000
/** No put takes so long. */
const leftBehindMs = 2 * 3_600_000
const repeatsMax = 5
const repeatsKept = 10_000
const fullRetryMs = 3_600_000

export interface BlobsDeps {
  readonly folder: string
  readonly store: BlobStore
  readonly settings: BlobSettings
  readonly clock: Clock
  readonly log: RelayLog
  readonly counters: RelayCounters
}

export interface BlobPut {
  readonly id: Bytes
  readonly size: number
  readonly reads: number
  readonly keptMs: number
  readonly permit: SpendablePermit
}

export interface OpenBlob {
  readonly size: number
  /** The reader closes it. */
  readonly handle: FileHandle
}

/**
 * Encrypted files that are read by capability. A file is durable before its row, and its row is gone before the file is
 * deleted: a crash between the two, or a store that did not answer, leaves a file without a row, which a sweep takes away.
 */
export class Blobs {
  readonly #deps: BlobsDeps
  readonly #files: BlobFiles
  readonly #repeats = new Map<string, number>()
  #coming = 0
  #sweptAt = 0
  #sweeping: Promise<void> = Promise.resolve()
  readonly #timer: NodeJS.Timeout

  constructor(deps: BlobsDeps) {
    this.#deps = deps
    this.#files = new BlobFiles(deps.folder)
    this.#timer = setInterval(() => this.#sweepOnce(), deps.settings.sweepMs).unref()
  }

  async start(): Promise<void> {
    await this.#files.prepare()
    await this.#sweepFiles(this.#deps.settings.shared ? Date.now() - leftBehindMs : Infinity)
    await this.expire()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }

  /**
   * Throws `request.tooLarge`, `relay.full`, `permit.invalid` for a spent one, before anything of the source is taken;
   * `blob.exists` after it.
   */
  async put(put: BlobPut, source: AsyncIterable<Uint8Array>): Promise<{ readonly expiresAt: number }> {
    if (put.size > this.#deps.settings.maxBytes) throw new CodedError('request.tooLarge')
    // What is under way is counted too, before anything is awaited: many at once do not pass the quota together.
    const others = this.#coming
    this.#coming += put.size
    try {
      await this.#check(put, others)
      return await this.#take(put, source)
    } finally {
      this.#coming -= put.size
    }
  }

  /** Throws `blob.unknown` and `permit.invalid`. */
  async open(capability: Bytes, permit: SpendablePermit): Promise<OpenBlob> {
    const { store, clock, log, counters } = this.#deps
    const id = new Uint8Array(createHash('sha256').update(capability).digest())
    const outcome = await store.read({ id, permit, now: clock.now(), graceMs })
    if (outcome.kind === 'unknown') throw new CodedError('blob.unknown')
    if (outcome.kind === 'permitSpent') throw new CodedError('permit.invalid')
    if (outcome.kind === 'repeated') this.#repeat(permit)
    const handle = await this.#files.open(outcome.file)
    if (handle === null) {
      log.error('blob missing')
      throw new CodedError('blob.unknown')
    }
    if (outcome.kind === 'read') counters.count('blobsRead')
    return { size: outcome.size, handle }
  }

  /** Deletes what has expired or was read as often as intended. */
  async expire(): Promise<void> {
    const files = await this.#deps.store.expire(this.#deps.clock.now())
    for (const file of files) await this.#files.remove(file)
    if (files.length > 0) this.#deps.counters.count('blobsDeleted', files.length)
  }

  async #check(put: BlobPut, others: number): Promise<void> {
    const { settings, store, clock } = this.#deps
    const checked = await store.check({ ...put, now: clock.now() }, settings.totalBytes - others)
    if (checked.kind === 'permitSpent') throw new CodedError('permit.invalid')
    const free = (await this.#files.freeBytes()) - settings.freeBytes - others
    if (checked.kind === 'full' || free < put.size) throw full()
  }

  async #take(put: BlobPut, source: AsyncIterable<Uint8Array>): Promise<{ readonly expiresAt: number }> {
    const { settings, store, clock, counters } = this.#deps
    const written = await this.#files.write(source, put.size)
    const now = clock.now()
    const expiresAt = now + put.keptMs
    // When this throws, the row may be there all the same: whether the file stays is left to the sweep.
    const outcome = await store.put({ ...put, ...written, expiresAt, now }, settings.totalBytes)
    const over = outcome.kind === 'stored' ? outcome.replaced : written.file
    if (over !== null) await this.#files.remove(over)
    switch (outcome.kind) {
      case 'stored':
        counters.count('blobsStored')
        return { expiresAt }
      case 'repeated':
        return { expiresAt: outcome.expiresAt }
      case 'exists':
        throw new CodedError('blob.exists')
      case 'permitSpent':
        throw new CodedError('permit.invalid')
      case 'full':
        throw full()
      default:
        return exhausted(outcome)
    }
  }

  async #sweepFiles(before: number): Promise<void> {
    this.#sweptAt = performance.now()
    await this.#files.sweep(await this.#deps.store.files(), before)
  }

  /** A permit pays for one read, which may have failed a few times. */
  #repeat({ spendId }: SpendablePermit): void {
    const key = toBase64Url(spendId)
    const repeats = (this.#repeats.get(key) ?? 0) + 1
    if (repeats > repeatsMax) throw new CodedError('permit.invalid')
    if (this.#repeats.size >= repeatsKept) this.#repeats.clear()
    this.#repeats.set(key, repeats)
  }

  #sweepOnce(): void {
    const { log } = this.#deps
    this.#sweeping = this.#sweeping.then(async () => {
      try {
        await this.expire()
        // Files that another process forgot lie here where each has a folder of its own.
        if (performance.now() - this.#sweptAt > leftBehindMs)
          await this.#sweepFiles(Date.now() - leftBehindMs)
      } catch (thrown) {
        log.error('blobs not swept', { error: reportOf(thrown).code, engine: engineCode(thrown) })
      }
    })
  }
}

function full(): CodedError {
  return new CodedError('relay.full', { retryAfterMs: fullRetryMs })
}
