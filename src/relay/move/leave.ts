import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder, systemCode } from '../../base/atomicFile.ts'
import { CodedError } from '../../base/errors.ts'
import { processClass } from '../peers/peerChannel.ts'
import type { Transaction } from '../store/postgres/database.ts'
import { statement } from '../store/postgres/statement.ts'
import type { SqliteDatabase } from '../store/sqliteOpen.ts'
import { movedBy } from '../store/version.ts'
import { carried, derived } from './tables.ts'

/** What was left keeps its content under this end of its name: nothing is deleted. */
export const leftBehind = '.before-move'

const keepOut = statement<{ readonly alone: boolean }>(
  `SELECT pg_try_advisory_xact_lock(${processClass}, 0) AS alone`,
)
/** Others may read; with all tables locked, whatever is read is of one state. */
const lockTables = statement(`LOCK TABLE ${[...carried, ...derived.postgres].join(', ')} IN EXCLUSIVE MODE`)

/** Keeps relays and, until the transaction ends, what commands write out of a database. Throws `relay.dataInUse`. */
export async function aloneWith(tx: Transaction): Promise<void> {
  const [row] = await tx.rows(keepOut)
  if (row?.alone !== true) throw new CodedError('relay.dataInUse')
  await tx.rows(lockTables)
}

/** Marks a database as left, within the transaction that read it; a command that waits to write into it fails. */
export function leavePostgres(tx: Transaction): void {
  tx.script(`ALTER SCHEMA valise RENAME TO valise_before_move;
    CREATE SCHEMA valise;
    CREATE TABLE valise.schema_version AS
      SELECT one, version + ${movedBy} AS version FROM valise_before_move.schema_version`)
}

/** As `leavePostgres`; whoever had the file open before is refused by its triggers. */
export function leaveSqlite(db: SqliteDatabase): void {
  for (const table of carried) {
    for (const act of ['INSERT', 'UPDATE', 'DELETE']) {
      db.exec(`CREATE TRIGGER moved_${table}_${act} BEFORE ${act} ON ${table}
        BEGIN SELECT RAISE(ABORT, 'moved'); END`)
    }
  }
  db.pragma(`user_version = ${Number(db.pragma('user_version', { simple: true })) + movedBy}`)
}

/** The log goes with its database: another connection may hold both open. */
export async function setAside(file: string): Promise<void> {
  for (const end of ['-wal', '-shm', '']) await renamed(file + end, file + leftBehind + end)
  await syncFolder(dirname(file))
}

async function renamed(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
  }
}
