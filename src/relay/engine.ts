import { readFile } from 'node:fs/promises'
import { systemCode } from '../base/atomicFile.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { databaseFile, postgresFile } from './data/relayData.ts'
import type { RelayLog } from './log.ts'
import { linkingInMemory, type LinkingPlace } from './linking.ts'
import { noPeers, type Peers } from './peers/peers.ts'
import { PostgresLinking } from './peers/postgresLinking.ts'
import { PostgresPeers } from './peers/postgresPeers.ts'
import { Database, type DatabaseOptions } from './store/postgres/database.ts'
import { lookAtTables, migrate } from './store/postgres/migrate.ts'
import { postgresStore } from './store/postgres/postgres.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { SqliteOptions } from './store/sqliteOpen.ts'
import type { RelayStore } from './store/store.ts'

/** Where a relay remembers: in one file of its data folder, or in a database that other processes share. */
export type EngineChoice =
  | { readonly kind: 'sqlite' }
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE` */
  | { readonly kind: 'postgres'; readonly url: string }

/**
 * What the data folder says, so that no command ever works on another store than the relay beside it: the file
 * `postgres.url`, or none. Throws `relay.dataDamaged` for a file without a URL.
 */
export async function engineOf(folder: string): Promise<EngineChoice> {
  try {
    const url = (await readFile(postgresFile(folder), 'utf8')).trim()
    if (!isPostgresUrl(url)) throw new CodedError('relay.dataDamaged')
    return { kind: 'postgres', url }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return { kind: 'sqlite' }
    throw thrown instanceof CodedError
      ? thrown
      : new CodedError('relay.dataNotWritable', {}, { cause: thrown })
  }
}

export function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\/\S+$/.test(text) && URL.canParse(text)
}

export interface Engine {
  readonly kind: EngineChoice['kind']
  readonly store: RelayStore
  readonly peers: Peers
  readonly linking: LinkingPlace
}

export interface EngineOptions {
  readonly folder: string
  readonly choice: EngineChoice
  readonly sqlite?: SqliteOptions
  readonly clock: Clock
  readonly log: RelayLog
  readonly peersMs: number
  readonly holderProbeMs: number
}

/** Throws `relay.dataDamaged`, `relay.dataNewer`, `relay.databaseUnsuitable`, and `relay.databaseUnreachable` while the server is away. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { choice, folder, sqlite, clock, log, peersMs, holderProbeMs } = options
  if (choice.kind === 'sqlite') {
    const store = openSqliteStore(databaseFile(folder), sqlite)
    return { kind: 'sqlite', store, peers: noPeers, linking: linkingInMemory(clock) }
  }
  const { url } = choice
  const db = await openedDatabase({ url })
  const store = postgresStore(db, sqlite)
  const peers = new PostgresPeers({ db, options: { url }, log, everyMs: peersMs, holderProbeMs })
  return { kind: 'postgres', store, peers, linking: new PostgresLinking(db, clock) }
}

/** The store alone, for a command. */
export async function openStoreOf(folder: string, choice: EngineChoice): Promise<RelayStore> {
  if (choice.kind === 'sqlite') return openSqliteStore(databaseFile(folder))
  return postgresStore(await openedDatabase(choice))
}

async function openedDatabase(
  options: DatabaseOptions,
  open: (db: Database) => Promise<unknown> = migrate,
): Promise<Database> {
  const db = new Database(options)
  try {
    await open(db)
    return db
  } catch (thrown) {
    await db.close()
    const away = thrown instanceof CodedError && thrown.code === 'relay.unavailable'
    throw away ? new CodedError('relay.databaseUnreachable', {}, { cause: thrown }) : thrown
  }
}

/** Whether a database answers and a relay can begin on it; changes nothing. Throws the codes of `withDatabase`. */
export async function tryDatabase(url: string): Promise<void> {
  await (await openedDatabase({ url }, lookAtTables)).close()
}

/** Of a move, which counts and adds up whole tables. */
const moveStatementMs = 3_600_000

/** Over a database whose tables are up to date, closed afterwards. Throws the codes of `migrate` and `relay.databaseUnreachable`. */
export async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openedDatabase({ url, statementMs: moveStatementMs })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}
