import type { Sql } from './binding.ts'
import type { Tx } from './vault.ts'

/** How one kind of record is read and written; keys are text. */
export interface RecordCodec<V> {
  read(sql: Sql, key: string): V | null
  write(tx: Tx, key: string, value: V): void
  remove(tx: Tx, key: string): void
  keys(sql: Sql): string[]
}

/**
 * Committed records of one kind with a bounded cache before the table. Only a commit changes it, so what it
 * answers is always durable.
 */
export class RecordTable<V> {
  readonly codec: RecordCodec<V>
  readonly #sql: Sql
  readonly #capacity: number
  readonly #cache = new Map<string, V>()

  constructor(sql: Sql, codec: RecordCodec<V>, capacity: number) {
    this.#sql = sql
    this.codec = codec
    this.#capacity = capacity
  }

  get(key: string): V | null {
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached
    const value = this.codec.read(this.#sql, key)
    if (value !== null) this.#remember(key, value)
    return value
  }

  /** Keys of all committed records: read from the table, so not for each message. */
  keys(): ReadonlySet<string> {
    return new Set(this.codec.keys(this.#sql))
  }

  /** Takes over what has just been committed. */
  settle(changes: ReadonlyMap<string, V | null>): void {
    for (const [key, value] of changes) {
      this.#cache.delete(key)
      if (value !== null) this.#remember(key, value)
    }
  }

  #remember(key: string, value: V): void {
    if (this.#cache.size >= this.#capacity) {
      const oldest = this.#cache.keys().next()
      if (oldest.done !== true) this.#cache.delete(oldest.value)
    }
    this.#cache.set(key, value)
  }
}

/** The records of one kind as a write-set sees them: its own changes, then its parent's, then the committed. */
export class Overlay<V> {
  readonly changes = new Map<string, V | null>()
  readonly #below: Overlay<V> | RecordTable<V>

  constructor(below: Overlay<V> | RecordTable<V>) {
    this.#below = below
  }

  get(key: string): V | null {
    const changed = this.changes.get(key)
    return changed === undefined ? this.#below.get(key) : changed
  }

  keys(): ReadonlySet<string> {
    const keys = new Set(this.#below.keys())
    for (const [key, value] of this.changes) {
      if (value === null) keys.delete(key)
      else keys.add(key)
    }
    return keys
  }

  put(key: string, value: V): void {
    this.changes.set(key, value)
  }

  remove(key: string): void {
    this.changes.set(key, null)
  }

  /** Gives the changes to the overlay below. */
  sink(): void {
    if (!(this.#below instanceof Overlay)) throw new Error('only a forked overlay sinks')
    for (const [key, value] of this.changes) this.#below.changes.set(key, value)
  }

  write(tx: Tx, codec: RecordCodec<V>): void {
    for (const [key, value] of this.changes) {
      if (value === null) codec.remove(tx, key)
      else codec.write(tx, key, value)
    }
  }
}
