import Database from 'better-sqlite3'
import { CodedError } from '../../base/errors.ts'
import { lockFile } from './relayData.ts'

export interface DataLock {
  release(): void
}

/**
 * Makes sure that one relay at a time serves a data folder: queue counts and connections live in its memory. The lock
 * is the operating system's (an open exclusive transaction on a file of its own), so a kill releases it.
 * Throws `relay.dataInUse`.
 */
export function lockData(folder: string): DataLock {
  let db: Database.Database | null = null
  try {
    db = new Database(lockFile(folder), { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
    const held = db
    return { release: () => held.close() }
  } catch (thrown) {
    db?.close()
    const busy = thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')
    throw new CodedError(busy ? 'relay.dataInUse' : 'relay.dataNotWritable', {}, { cause: thrown })
  }
}
