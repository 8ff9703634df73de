import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { SerialQueue } from '../base/serialQueue.ts'
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
} from '../journal/index.ts'
import {
  leavesFrom,
  readFlushed,
  readJournalState,
  writeFlushed,
  writeJournalRow,
} from '../storage/repositories/journal.ts'
import type { Tx, Vault } from '../storage/vault.ts'
import type { WriteSet } from '../storage/writeSet.ts'

/** An event whose payload needs the entry's own salt, for tokens of accounts and keys. */
export type JournalNote = (salt: Bytes) => JournalEvent

/** A checkpoint is signed when this many leaves have come since the last one, and at an orderly stop. */
const leavesPerCheckpoint = 64

/**
 * The journal of this vault (SECURITY 13): entries are written in the transaction of what happened; after it their
 * hashes go to the sidecar file, in order. The sidecar may lag behind a crash; at the next start it is completed.
 */
export class Journal {
  readonly #vault: Vault
  readonly #clock: Clock
  readonly #signer: NoteSigner
  readonly #path: string
  readonly #queue = new SerialQueue()
  #writer: SidecarWriter | null = null
  #checkpointAt = 0

  constructor(vault: Vault, clock: Clock, signer: NoteSigner, sidecarPath: string) {
    this.#vault = vault
    this.#clock = clock
    this.#signer = signer
    this.#path = sidecarPath
  }

  /** Opens the sidecar for adding. */
  async open(): Promise<void> {
    await this.#queue.run(() => this.#openSidecar())
  }

  /** Compares the sidecar with the vault. One that does not fit is put aside as evidence, journalled and begun anew. */
  async #openSidecar(): Promise<void> {
    const state = readJournalState(this.#vault.sql)
    const reading = await readSidecar(this.#path)
    const found = compareSidecar(
      reading,
      {
        state,
        flushed: readFlushed(this.#vault.sql),
        leavesFrom: (seq) => leavesFrom(this.#vault.sql, seq),
      },
      this.#signer.publicKey,
    )
    if (found.kind !== 'mismatch') {
      this.#writer = await SidecarWriter.open(this.#path, reading)
      if (found.kind === 'behind') await this.#appendLeaves(found.missing, state.size)
      return
    }
    const { reason, sidecar } = found
    if (reading.kind !== 'missing') await setSidecarAside(this.#path, this.#clock.now())
    this.#writer = await SidecarWriter.open(this.#path, { kind: 'missing' })
    await this.#appendLeaves(leavesFrom(this.#vault.sql, 0), state.size)
    const payload = { reason, sidecar, database: state.size }
    this.#vault.transaction((tx) =>
      this.#append(tx, () => ({ type: 'journal.sidecarMismatch', actor: 'device', payload })),
    )
    await this.#appendLeaves(leavesFrom(this.#vault.sql, state.size), state.size + 1)
  }

  /** Adds entries to a unit of work; they happen, or do not, with it. Call `flush` after its commit. */
  note(writes: WriteSet, ...notes: readonly JournalNote[]): void {
    for (const note of notes) writes.write((tx) => this.#append(tx, note))
  }

  /** An entry by itself, durable when this settles. */
  async record(event: JournalEvent): Promise<void> {
    this.#vault.transaction((tx) => this.#append(tx, () => event))
    await this.flush()
  }

  /** Brings the sidecar up to the committed journal. */
  async flush(): Promise<void> {
    await this.#queue.run(async () => {
      // After a failed write the file is in doubt: it is read and compared again.
      if (this.#writer === null) return await this.#openSidecar()
      const flushed = readFlushed(this.#vault.sql)
      const missing = leavesFrom(this.#vault.sql, flushed)
      if (missing.length > 0) await this.#appendLeaves(missing, flushed + missing.length)
    })
  }

  /** The last entry and a signed checkpoint over everything. */
  async close(reason: 'stop' | 'lock'): Promise<void> {
    await this.record({ type: 'vault.closed', actor: 'device', payload: { reason } })
    await this.#queue.run(async () => {
      const state = readJournalState(this.#vault.sql)
      await this.#writer?.append([], signCheckpoint(state, this.#signer))
      await this.#writer?.close()
      this.#writer = null
    })
  }

  #append(tx: Tx, note: JournalNote): void {
    const salt = copyBytes(randomBytes(saltBytes))
    const clock = { now: () => this.#clock.now(), monotonic: () => performance.now() }
    const { row, state } = appendEntry(readJournalState(tx), note(salt), salt, clock)
    writeJournalRow(tx, row, state)
  }

  async #appendLeaves(leaves: readonly Bytes[], size: number): Promise<void> {
    if (this.#writer === null) return
    const state = readJournalState(this.#vault.sql)
    const due = state.size === size && size - this.#checkpointAt >= leavesPerCheckpoint
    try {
      await this.#writer.append(leaves, due ? signCheckpoint(state, this.#signer) : null)
    } catch (error) {
      await this.#writer.close().catch(() => undefined)
      this.#writer = null
      throw error
    }
    if (due) this.#checkpointAt = size
    this.#vault.transaction((tx) => writeFlushed(tx, size))
  }
}
