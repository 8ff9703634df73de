import Database from 'better-sqlite3'
import { CodedError } from '../../base/errors.ts'
import { restoredToken } from './generation.ts'
import { openDatabase, orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

/** All pages in one step: page by page a copy would begin anew with every commit of a running relay. */
const allPages = 0x7fff_ffff

/**
 * Copies a database beside a running relay: one state of it, checked, in one file. `relayMark` ties it to its relay.
 * Throws `relay.dataDamaged` when what was copied is not whole.
 */
export async function copyDatabase(from: string, to: string, relayMark: number): Promise<void> {
  const source = openDatabase(from)
  try {
    await source.backup(to, { progress: () => allPages })
  } finally {
    source.close()
  }
  const copy = new Database(to)
  try {
    if (!isWhole(copy)) throw new CodedError('relay.dataDamaged')
    copy.pragma(`application_id = ${relayMark}`)
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
}

/** The mark of the relay that a copy was made of. Throws `relay.backupDamaged` for a file that is no whole copy. */
export function markOfCopy(file: string): number {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true })
    try {
      if (!isWhole(db)) throw new CodedError('relay.backupDamaged')
      return Number(db.pragma('application_id', { simple: true }))
    } finally {
      db.close()
    }
  } catch (thrown) {
    throw thrown instanceof CodedError ? thrown : new CodedError('relay.backupDamaged', {}, { cause: thrown })
  }
}

/** `PRAGMA quick_check` finds pages that do not fit each other; it reads the whole file. */
export function isWhole(db: SqliteDatabase): boolean {
  return db.pragma('quick_check(1)', { simple: true }) === 'ok'
}

/** Above all queue ids and revisions that were given out since the copy: 8,000 restores fit below 2^53. */
const idJump = 2 ** 40
const revisionJump = 1_000_000

/**
 * Makes a copy fit to be served: the world has gone on since it was made. Queue ids and revisions begin above all that
 * were given out; one-time keys may have been handed out and go; each device's next token is taken, whatever it is, as
 * that of a vault that may not be the last one, so that nobody is taken for a copy.
 */
export function markRestored(file: string): void {
  const db = openDatabase(file)
  try {
    orUnavailable(() => db.transaction(() => adapt(db)).immediate())
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

function adapt(db: SqliteDatabase): void {
  db.prepare('UPDATE queue_state SET last_id = last_id + ?').run(idJump)
  db.prepare('UPDATE accounts SET devices_revision = devices_revision + ?').run(revisionJump)
  db.prepare('DELETE FROM one_time_pre_keys').run()
  db.prepare('DELETE FROM one_time_kyber_pre_keys').run()
  db.prepare(
    `UPDATE devices SET generation_last = ?, generation_holder = NULL, generation_stopped = 0,
            generation_pending = NULL, generation_pending_holder = NULL`,
  ).run(restoredToken)
}
