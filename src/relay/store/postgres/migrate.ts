import { CodedError } from '../../../base/errors.ts'
import type { Database } from './database.ts'
import { postgresMigrations } from './migrations/index.ts'
import { statement } from './statement.ts'

/** An arbitrary number of ours: two processes that start together must not both bring the tables up to date. */
const migrationLock = 7_625_309_846

const oldestServer = 150_000

const look = statement<{ readonly server: number; readonly encoding: string; readonly made: boolean }>(
  `SELECT current_setting('server_version_num')::int AS server, current_setting('server_encoding') AS encoding,
          to_regclass('valise.schema_version') IS NOT NULL AS made`,
)
const readVersion = statement<{ readonly version: number }>('SELECT version FROM schema_version')

/**
 * Brings the tables of a database up to date; beside other processes that do the same. Throws `relay.dataDamaged` for
 * tables of a newer relay and `relay.databaseUnsuitable` for a server before 15 or a database that is not UTF-8.
 */
export async function migrate(db: Database): Promise<void> {
  const [found] = await db.rows(look)
  if (found === undefined || found.server < oldestServer || found.encoding !== 'UTF8') {
    throw new CodedError('relay.databaseUnsuitable')
  }
  const newest = postgresMigrations.at(-1)?.version ?? 0
  if (found.made && (await versionOf(db)) === newest) return
  await db.script(`BEGIN;
    SELECT pg_advisory_xact_lock(${migrationLock});
    CREATE SCHEMA IF NOT EXISTS valise;
    CREATE TABLE IF NOT EXISTS schema_version (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL);
    INSERT INTO schema_version VALUES (1, 0) ON CONFLICT DO NOTHING;
    COMMIT`)
  await db.atomically(async (tx) => {
    await tx.rows(statement(`SELECT pg_advisory_xact_lock(${migrationLock})`))
    const [row] = await tx.rows(readVersion)
    const from = row?.version ?? 0
    if (from > newest) throw new CodedError('relay.dataDamaged')
    for (const { version, sql } of postgresMigrations.filter((one) => one.version > from)) {
      tx.script(sql)
      tx.send(statement(`UPDATE schema_version SET version = ${version}`))
    }
  })
}

async function versionOf(db: Database): Promise<number> {
  const [row] = await db.rows(readVersion)
  return row?.version ?? 0
}
