import { randomBytes } from 'node:crypto'
import { fileError, systemCode } from '../../base/atomicFile.ts'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { SerialQueue } from '../../base/serialQueue.ts'
import {
  appendEntry,
  compareSidecar,
  readSidecar,
  saltBytes,
  setSidecarAside,
  SidecarWriter,
  signCheckpoint,
  type JournalEvent,
  type NoteSigner,
  type SidecarReading,
} from '../../journal/index.ts'
import {
  leavesFrom,
  readFlushed,
  readJournalState,
  writeFlushed,
  writeJournalRow,
} from '../../storage/repositories/journal.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import type { WriteSet } from '../../storage/writeSet.ts'

/** An event whose payload needs the entry's own salt, for tokens of accounts and keys. */
export type JournalNote = (salt: Bytes) => JournalEvent

/** A checkpoint is signed when this many leaves have come since the last one, and at an orderly stop. */
const leavesPerCheckpoint = 64

/** The file that is being written. Its own count of leaves: the vault's, `flushed`, may lag behind a crash. */
interface OpenSidecar {
  readonly writer: SidecarWriter
  leaves: number
  /** Leaves under the last checkpoint. */
  sealed: number
}

/**
 * The journal of this vault (SECURITY 13): entries are written in the transaction of what happened; after it their
 * hashes go to the sidecar file, in order. The sidecar may lag behind a crash or a failed write, which loses nothing:
 * the next flush or start completes it. Failures of the file are thrown as `vault.diskFull` or `profile.notWritable`.
 */
export class Journal {
  readonly #vault: Vault
  readonly #clock: Clock
  readonly #signer: NoteSigner
  readonly #path: string
  readonly #queue = new SerialQueue()
  /** Null before the opening, and after a failed write: the file is then in doubt, is read and compared again. */
  #sidecar: OpenSidecar | null = null
  /** A mismatch is journalled, but the file still lies there: another try does not journal it again. */
  #mismatchRecorded = false

  constructor(vault: Vault, clock: Clock, signer: NoteSigner, sidecarPath: string) {
    this.#vault = vault
    this.#clock = clock
    this.#signer = signer
    this.#path = sidecarPath
  }

  /** Opens the sidecar for adding and completes it. One that does not fit the vault is journalled and begun anew. */
  async open(): Promise<void> {
    await this.flush()
  }

  /** Adds entries to a unit of work; they happen, or do not, with it. Call `flush` after its commit. */
  note(writes: WriteSet, ...notes: readonly JournalNote[]): void {
    for (const note of notes) writes.write((tx) => this.append(tx, note))
  }

  /** An entry by itself, durable when this settles. */
  async record(event: JournalEvent): Promise<void> {
    this.#vault.transaction((tx) => this.append(tx, () => event))
    await this.flush()
  }

  /** Brings the sidecar up to the committed journal. */
  async flush(): Promise<void> {
    await this.#queue.run(() => this.#complete(false))
  }

  /** The last entry and a signed checkpoint over everything. */
  async close(reason: 'stop' | 'lock'): Promise<void> {
    const event = { type: 'vault.closed', actor: 'device', payload: { reason } } as const
    this.#vault.transaction((tx) => this.append(tx, () => event))
    await this.#queue.run(async () => {
      await this.#complete(true)
      await this.#letGo()
    })
  }

  /** Adds an entry to a transaction under way; `flush` after it. */
  append(tx: Tx, note: JournalNote): void {
    const salt = copyBytes(randomBytes(saltBytes))
    const clock = { now: () => this.#clock.now(), monotonic: () => performance.now() }
    const { row, state } = appendEntry(readJournalState(tx), note(salt), salt, clock)
    writeJournalRow(tx, row, state)
  }

  async #complete(seal: boolean): Promise<void> {
    try {
      this.#sidecar ??= await this.#openSidecar()
      await this.#writeMissing(this.#sidecar, seal)
    } catch (error) {
      await this.#letGo()
      throw sidecarError(error)
    }
  }

  async #letGo(): Promise<void> {
    const sidecar = this.#sidecar
    this.#sidecar = null
    // What was written is on disk already (each write is synced), and what was not is written again.
    await sidecar?.writer.close().catch(() => undefined)
  }

  async #openSidecar(): Promise<OpenSidecar> {
    const reading = await this.#readFitting()
    const writer = await SidecarWriter.open(this.#path, reading)
    this.#mismatchRecorded = false
    if (reading.kind !== 'read') return { writer, leaves: 0, sealed: 0 }
    const { leaves, checkpoints } = reading.sidecar
    return { writer, leaves: leaves.length, sealed: checkpoints.at(-1)?.after ?? 0 }
  }

  /** Compares the sidecar with the vault. One that does not fit is journalled, then put aside as evidence. */
  async #readFitting(): Promise<SidecarReading> {
    const reading = await readSidecar(this.#path)
    // No await from here to the comparison: the vault goes on while the file is read, and all must be of one moment.
    const state = readJournalState(this.#vault.sql)
    const database = {
      state,
      flushed: readFlushed(this.#vault.sql),
      leavesFrom: (seq: number) => leavesFrom(this.#vault.sql, seq),
    }
    const found = compareSidecar(reading, database, this.#signer.publicKey)
    if (found.kind !== 'mismatch') return reading
    const payload = { reason: found.reason, sidecar: found.sidecar, database: state.size }
    if (!this.#mismatchRecorded) this.#recordMismatch(payload)
    if (reading.kind !== 'missing') await setSidecarAside(this.#path, this.#clock.now())
    return { kind: 'missing' }
  }

  /**
   * Committed before the evidence is touched: a kill in between may record it twice, never not at all. Nothing counts as
   * flushed from here on, so that a new file which a crash left unfinished is completed and raises no second alarm.
   */
  #recordMismatch(payload: Extract<JournalEvent, { type: 'journal.sidecarMismatch' }>['payload']): void {
    this.#vault.transaction((tx) => {
      this.append(tx, () => ({ type: 'journal.sidecarMismatch', actor: 'device', payload }))
      writeFlushed(tx, 0)
    })
    this.#mismatchRecorded = true
  }

  async #writeMissing(sidecar: OpenSidecar, seal: boolean): Promise<void> {
    const state = readJournalState(this.#vault.sql)
    const missing = leavesFrom(this.#vault.sql, sidecar.leaves)
    const due = missing.length > 0 && state.size - sidecar.sealed >= leavesPerCheckpoint
    const sign = due || (seal && state.size > sidecar.sealed)
    await sidecar.writer.append(missing, sign ? signCheckpoint(state, this.#signer) : null)
    sidecar.leaves = state.size
    if (sign) sidecar.sealed = state.size
    if (readFlushed(this.#vault.sql) === state.size) return
    this.#vault.transaction((tx) => writeFlushed(tx, state.size))
  }
}

/** Always coded: what the system says of a file beyond a full disk and missing rights is for its administrator too. */
function sidecarError(thrown: unknown): CodedError {
  const error = fileError(thrown)
  if (error instanceof CodedError) return error
  const system = systemCode(error)
  return system === null
    ? new CodedError('internal', {}, { cause: error })
    : new CodedError('profile.notWritable', { system }, { cause: error })
}
