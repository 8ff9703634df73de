import { CodedError } from '../../../base/errors.ts'
import { checkVersion } from '../version.ts'
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

const newest = postgresMigrations.at(-1)?.version ?? 0

/**
 * The version of a database's tables, 0 for none; changes nothing. Throws the codes of `checkVersion`
 * and `relay.databaseUnsuitable` for a server before 15 or a database that is not UTF-8.
 */
export async function lookAtTables(db: Database): Promise<number> {
  const [found] = await db.rows(look)
  if (found === undefined || found.server < oldestServer || found.encoding !== 'UTF8') {
    throw new CodedError('relay.databaseUnsuitable')
  }
  if (!found.made) return 0
  return known(await db.rows(readVersion))
}

/** Brings the tables of a database up to date; beside other processes that do the same. Throws as `lookAtTables` does. */
export async function migrate(db: Database): Promise<void> {
  if ((await lookAtTables(db)) === newest) return
  await db.script(`BEGIN;
    SELECT pg_advisory_xact_lock(${migrationLock});
    CREATE SCHEMA IF NOT EXISTS valise;
    CREATE TABLE IF NOT EXISTS schema_version (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL);
    INSERT INTO schema_version VALUES (1, 0) ON CONFLICT DO NOTHING;
    COMMIT`)
  await db.atomically(async (tx) => {
    await tx.rows(statement(`SELECT pg_advisory_xact_lock(${migrationLock})`))
    const from = known(await tx.rows(readVersion))
    for (const { version, sql } of postgresMigrations.filter((one) => one.version > from)) {
      tx.script(sql)
      tx.send(statement(`UPDATE schema_version SET version = ${version}`))
    }
  })
}

function known([row]: readonly { readonly version: number }[]): number {
  const version = row?.version ?? 0
  checkVersion(version, newest)
  return version
}
