import Database from 'better-sqlite3'
import { CodedError } from '../../base/errors.ts'
import type { StoreBounds } from './bounds.ts'
import { engineCode } from './engineCode.ts'
import { migrations } from './migrations/index.ts'
import { checkVersion } from './version.ts'

export type SqliteDatabase = Database.Database

export interface SqliteOptions extends StoreBounds {
  /** The size past which the file may not grow, in bytes: writing more is refused like a full disk. */
  readonly maxBytes?: number
}

const pageBytes = 4096
const busyMs = 5_000

/**
 * Opens the relay's one file and brings its tables up to date.
 * Throws `relay.dataDamaged` for a file that is no database of ours, the codes of `checkVersion`,
 * `relay.unavailable` for the rest.
 */
export function openDatabase(file: string, options: SqliteOptions = {}): SqliteDatabase {
  return orUnavailable(() => {
    const db = new Database(file, { timeout: busyMs })
    try {
      configure(db, options)
      migrate(db)
      return db
    } catch (thrown) {
      db.close()
      throw openFailure(thrown)
    }
  })
}

function configure(db: SqliteDatabase, options: SqliteOptions): void {
  db.pragma(`page_size = ${pageBytes}`)
  db.pragma('journal_mode = WAL')
  // A put is acknowledged after COMMIT, so COMMIT has to mean an fsync of the WAL.
  db.pragma('synchronous = FULL')
  db.pragma('foreign_keys = ON')
  db.pragma('cache_size = -65536')
  db.pragma('wal_autocheckpoint = 4000')
  db.pragma('temp_store = MEMORY')
  db.pragma('trusted_schema = OFF')
  // SECURITY 9: an acknowledged envelope leaves no readable copy in a free page.
  db.pragma('secure_delete = ON')
  if (options.maxBytes !== undefined) {
    db.pragma(`max_page_count = ${Math.max(1, Math.floor(options.maxBytes / pageBytes))}`)
  }
}

function migrate(db: SqliteDatabase): void {
  const newest = migrations.at(-1)?.version ?? 0
  db.transaction(() => {
    const from = Number(db.pragma('user_version', { simple: true }))
    checkVersion(from, newest)
    for (const migration of migrations.filter((m) => m.version > from)) {
      db.exec(migration.sql)
      db.pragma(`user_version = ${migration.version}`)
    }
  }).immediate()
}

/** Turns every failure of the engine into `relay.unavailable`; the engine's own code stays in `cause` for the log. */
export function orUnavailable<T>(work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof Database.SqliteError)) throw thrown
    throw new CodedError('relay.unavailable', {}, { cause: thrown })
  }
}

function openFailure(thrown: unknown): unknown {
  const code = engineCode(thrown)
  const damaged = code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')
  return damaged ? new CodedError('relay.dataDamaged', {}, { cause: thrown }) : thrown
}
