import Database from 'better-sqlite3'
import { CodedError } from '../../base/errors.ts'
import type { ActContext } from './peopleStore.ts'
import { sqliteActs } from './sqliteActs.ts'
import { openDatabase, type SqliteDatabase } from './sqliteOpen.ts'
import { sqliteQueueStats } from './sqliteQueueStats.ts'

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

/** Brings a copy up to date, makes it fit to be served (`QueueStatsStore.restored`) and says so in its journal. */
export async function markRestored(file: string, context: ActContext): Promise<void> {
  const db = openDatabase(file)
  try {
    await sqliteQueueStats(db).restored()
    await sqliteActs(db).store.append({ type: 'backup.restored' }, context)
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}
