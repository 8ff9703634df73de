import type { Connection, Sql } from './binding.ts'
import { rollBack } from './transaction.ts'

declare const inTransaction: unique symbol

/** Proof that a transaction is running: functions that write take one, so they cannot be called without. */
export type Tx = Sql & { readonly [inTransaction]: true }

/** The open vault. All calls are synchronous and run on the engine thread. */
export class Vault {
  readonly #connection: Connection
  readonly file: string
  #busy = false

  constructor(connection: Connection, file: string) {
    this.#connection = connection
    this.file = file
  }

  get sql(): Sql {
    return this.#connection
  }

  /**
   * Runs `work` in one durable transaction (`synchronous=FULL`); anything thrown rolls it back.
   * `work` is synchronous: an awaited body would commit before it has run (libsignal.md, trap 7).
   */
  transaction<T>(work: (tx: Tx) => T): T {
    if (this.#busy) throw new Error('transactions do not nest')
    this.#busy = true
    try {
      this.#connection.exec('BEGIN IMMEDIATE')
      const result = work(this.#connection as unknown as Tx)
      this.#connection.exec('COMMIT')
      return result
    } catch (error) {
      rollBack(this.#connection)
      throw error
    } finally {
      this.#busy = false
    }
  }

  /** Moves the write-ahead log into the database and empties it. */
  checkpoint(): void {
    this.#connection.pragma('wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#connection.close()
  }
}
