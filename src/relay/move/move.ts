import { rename, rm } from 'node:fs/promises'
import { utf8 } from '../../base/bytes.ts'
import { syncFolder, writeFileAtomically } from '../../base/atomicFile.ts'
import { CodedError } from '../../base/errors.ts'
import { lockData } from '../data/dataLock.ts'
import { databaseFile, postgresFile, readRelayData } from '../data/relayData.ts'
import { aloneWith, leavePostgres, leaveSqlite, setAside } from './leave.ts'
import { refuseDatabase } from '../backup/backup.ts'
import { operatorContext } from '../data/actor.ts'
import { sqliteActs } from '../store/sqliteActs.ts'
import { actWriter } from '../store/postgres/pgActs.ts'
import { engineOf, withDatabase } from '../engine.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import type { MovedCounts } from './tables.ts'
import { copyToPostgres } from './toPostgres.ts'
import { copyToSqlite } from './toSqlite.ts'

/**
 * Moves all that a relay remembers from its file into an empty PostgreSQL database, to which the folder points from then
 * on; all or nothing. Throws `relay.dataInUse` while a relay runs, `relay.databaseUsed`, and the codes of `withDatabase`.
 */
export async function moveToPostgres(folder: string, url: string): Promise<MovedCounts> {
  await readRelayData(folder)
  if ((await engineOf(folder)).kind !== 'sqlite') throw new CodedError('relay.databaseUsed')
  const lock = lockData(folder)
  try {
    const counts = await copied(folder, url)
    await setAside(databaseFile(folder))
    return counts
  } finally {
    lock.release()
  }
}

async function copied(folder: string, url: string): Promise<MovedCounts> {
  const db = openDatabase(databaseFile(folder))
  try {
    // Held until it is left: commands may read beside it, and what they write waits or fails.
    db.exec('BEGIN IMMEDIATE')
    sqliteActs(db).write({ type: 'store.moved', detail: 'postgres' }, operatorContext())
    const counts = await withDatabase(url, async (target) =>
      target.atomically(async (tx) => {
        await aloneWith(tx)
        return copyToPostgres(db, tx)
      }),
    )
    // First what says where the relay remembers: the file alone would be taken for its store again.
    await writeFileAtomically(postgresFile(folder), utf8(`${url}\n`))
    leaveSqlite(db)
    db.exec('COMMIT')
    return counts
  } finally {
    db.close()
  }
}

/** The way back, into a new file; the content of the database is kept in the schema `valise_before_move`. Throws as `moveToPostgres` does. */
export async function moveToSqlite(folder: string): Promise<MovedCounts> {
  await readRelayData(folder)
  const choice = await engineOf(folder)
  if (choice.kind !== 'postgres') throw new CodedError('relay.dataExists')
  const file = `${databaseFile(folder)}.moving`
  const lock = lockData(folder)
  try {
    await refuseDatabase(folder)
    const counts = await withDatabase(choice.url, async (source) =>
      source.atomically(async (tx) => {
        await aloneWith(tx)
        const writer = await actWriter(tx)
        writer.write({ type: 'store.moved', detail: 'sqlite' }, operatorContext())
        await removeDatabase(file)
        const db = openDatabase(file)
        const done = await copyToSqlite(tx, db).finally(() => db.close())
        leavePostgres(tx)
        return done
      }),
    ).catch(async (thrown: unknown) => {
      await removeDatabase(file)
      throw thrown
    })
    // From here on the copy is the relay's only store that opens: whatever fails, it stays.
    await rename(file, databaseFile(folder))
    await syncFolder(folder)
    await setAside(postgresFile(folder))
    return counts
  } finally {
    lock.release()
  }
}

async function removeDatabase(file: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(file + end, { force: true })
}
