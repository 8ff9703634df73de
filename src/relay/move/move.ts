import { rename, rm } from 'node:fs/promises'
import { utf8 } from '../../base/bytes.ts'
import { writeFileAtomically } from '../../base/atomicFile.ts'
import { CodedError } from '../../base/errors.ts'
import { lockData } from '../data/dataLock.ts'
import { databaseFile, postgresFile, readRelayData } from '../data/relayData.ts'
import { engineOf, withDatabase } from '../engine.ts'
import { processClass } from '../peers/peerChannel.ts'
import type { Transaction } from '../store/postgres/database.ts'
import { statement } from '../store/postgres/statement.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import type { MovedCounts } from './tables.ts'
import { copyToPostgres } from './toPostgres.ts'
import { copyToSqlite } from './toSqlite.ts'

/** What was left keeps its content under this end of its name: nothing is deleted. */
export const leftBehind = '.before-move'

const keepOut = statement<{ readonly alone: boolean }>(
  `SELECT pg_try_advisory_xact_lock(${processClass}, 0) AS alone`,
)

/**
 * Moves all that a relay remembers from its file into an empty PostgreSQL database, to which the folder points from then
 * on; all or nothing. Throws `relay.dataInUse` while a relay runs, `relay.databaseUsed`, and the codes of `withDatabase`.
 */
export async function moveToPostgres(folder: string, url: string): Promise<MovedCounts> {
  await readRelayData(folder)
  if ((await engineOf(folder)).kind !== 'sqlite') throw new CodedError('relay.databaseUsed')
  const lock = lockData(folder)
  try {
    const db = openDatabase(databaseFile(folder))
    const counts = await withDatabase(url, async (target) =>
      target.atomically(async (tx) => {
        await aloneWith(tx)
        return copyToPostgres(db, tx)
      }),
    ).finally(() => db.close())
    // First what says where the relay remembers: the file alone would be taken for its store again.
    await writeFileAtomically(postgresFile(folder), utf8(`${url}\n`))
    await rename(databaseFile(folder), databaseFile(folder) + leftBehind)
    return counts
  } finally {
    lock.release()
  }
}

/** The way back, into a new file; the database is left as it is. Throws as `moveToPostgres` does. */
export async function moveToSqlite(folder: string): Promise<MovedCounts> {
  await readRelayData(folder)
  const choice = await engineOf(folder)
  if (choice.kind !== 'postgres') throw new CodedError('relay.dataExists')
  const file = `${databaseFile(folder)}.moving`
  const lock = lockData(folder)
  try {
    await removeDatabase(file)
    const db = openDatabase(file)
    const counts = await withDatabase(choice.url, async (source) =>
      source.atomically(async (tx) => {
        await aloneWith(tx)
        return copyToSqlite(tx, db)
      }),
    ).finally(() => db.close())
    await rename(file, databaseFile(folder))
    await rename(postgresFile(folder), postgresFile(folder) + leftBehind)
    return counts
  } catch (thrown) {
    await removeDatabase(file)
    throw thrown
  } finally {
    lock.release()
  }
}

async function aloneWith(tx: Transaction): Promise<void> {
  const [row] = await tx.rows(keepOut)
  if (row?.alone !== true) throw new CodedError('relay.dataInUse')
}

async function removeDatabase(file: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(file + end, { force: true })
}
