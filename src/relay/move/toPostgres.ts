import { toUuid } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { Transaction } from '../store/postgres/database.ts'
import { shardHash } from '../store/postgres/shards.ts'
import { statement } from '../store/postgres/statement.ts'
import type { SqliteDatabase } from '../store/sqliteOpen.ts'
import { columnsOf, countOf, insertRows } from './postgresRows.ts'
import { carried, type MovedCounts, type PlainRow } from './tables.ts'

const readEpoch = statement<{ readonly epoch: number; readonly shards: number }>(
  'SELECT epoch, shards FROM shard_map ORDER BY epoch DESC LIMIT 1',
)
/** Filled by the migrations: they are not what makes a database one that is used. */
const filled = ['acts_state']
const numbered = ['accounts', 'invitations', 'one_time_pre_keys', 'one_time_kyber_pre_keys', 'alerts']

/**
 * Everything of an embedded store into an empty database, within the caller's transaction. Throws `relay.databaseUsed`
 * when it is not empty, `relay.dataDamaged` when a table does not have as many rows as before.
 */
export async function copyToPostgres(db: SqliteDatabase, tx: Transaction): Promise<MovedCounts> {
  for (const table of carried.filter((one) => !filled.includes(one))) {
    if ((await countOf(tx, table)) > 0) throw new CodedError('relay.databaseUsed')
  }
  for (const table of filled) tx.send(statement(`DELETE FROM ${table}`))
  const counts = new Map<string, number>()
  const place = await placing(db, tx)
  for (const table of carried) {
    const types = await columnsOf(tx, table)
    await insertRows(tx, table, types, rowsOf(db, table, [...types.keys()], place))
    counts.set(table, await checkedCount(db, tx, table))
  }
  derive(db, tx)
  return counts
}

async function checkedCount(db: SqliteDatabase, tx: Transaction, table: string): Promise<number> {
  const before = db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n
  const after = await countOf(tx, table)
  if (before !== after) throw new CodedError('relay.dataDamaged')
  return after
}

type Place = (table: string, row: PlainRow) => PlainRow

/** What accounts and queues have besides on PostgreSQL: their shard. */
async function placing(db: SqliteDatabase, tx: Transaction): Promise<Place> {
  const [map] = await tx.rows(readEpoch)
  if (map === undefined) throw new CodedError('relay.dataDamaged')
  const shardOf = (accountId: Uint8Array): number => shardHash(toUuid(accountId) ?? '') % map.shards
  const owners = db
    .prepare<[], { id: number; account_id: Uint8Array }>(
      'SELECT d.id, a.account_id FROM devices d JOIN accounts a ON a.id = d.account',
    )
    .all()
  const shards = new Map(owners.map((owner) => [owner.id, shardOf(owner.account_id)]))
  return (table, row) => {
    const { account_id: accountId, device } = row
    if (table === 'accounts' && accountId instanceof Uint8Array)
      return { ...row, epoch: map.epoch, shard: shardOf(accountId) }
    if (table === 'queue' && typeof device === 'number') return { ...row, shard: shards.get(device) ?? 0 }
    return row
  }
}

function* rowsOf(
  db: SqliteDatabase,
  table: string,
  wanted: readonly string[],
  place: Place,
): Generator<PlainRow> {
  const there = db.prepare<[], { name: string }>(`SELECT name FROM pragma_table_info('${table}')`).all()
  const columns = there.map(({ name }) => name).filter((name) => wanted.includes(name))
  const rows = db.prepare<[], PlainRow>(`SELECT ${columns.join(', ')} FROM ${table}`).iterate()
  for (const row of rows) yield place(table, row)
}

function derive(db: SqliteDatabase, tx: Transaction): void {
  // Whole tables are joined here, once; every other statement of the relay goes by an index.
  tx.script('SET LOCAL statement_timeout = 0; SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on')
  tx.send(
    statement(
      `INSERT INTO words (word, account) SELECT DISTINCT word, id
       FROM accounts, regexp_split_to_table(trim(search_text), ' ') AS word WHERE listed AND word <> ''`,
    ),
  )
  const state = db
    .prepare<[], { last_id: number; received_at: number }>('SELECT last_id, received_at FROM queue_state')
    .get()
  tx.send(
    statement(
      `INSERT INTO mailboxes (device, last_id, received_at, envelopes, bytes)
       SELECT d.id, $1::bigint, $2::bigint, coalesce(q.envelopes, 0), coalesce(q.bytes, 0)
       FROM devices d LEFT JOIN (
         SELECT device, count(*) AS envelopes, sum(length(body)) AS bytes FROM queue GROUP BY device
       ) q ON q.device = d.id`,
    ),
    state?.last_id ?? 0,
    state?.received_at ?? 0,
  )
  const acknowledged = statement('UPDATE mailboxes SET acknowledged = $1 WHERE device = $2')
  const devices = db
    .prepare<[], { id: number; acknowledged: number }>(
      'SELECT id, acknowledged FROM devices WHERE acknowledged > 0',
    )
    .all()
  for (const device of devices) tx.send(acknowledged, device.acknowledged, device.id)
  tx.send(statement('UPDATE changes_state SET last = coalesce((SELECT max(id) FROM changes), 0)'))
  for (const table of numbered) {
    tx.send(
      statement(
        `SELECT setval(pg_get_serial_sequence('valise.${table}', 'id'), coalesce(max(id), 0) + 1, false) FROM ${table}`,
      ),
    )
  }
  const last = db.prepare<[], { last: number }>('SELECT last FROM device_numbers').get()?.last ?? 0
  tx.send(
    statement(`SELECT setval(pg_get_serial_sequence('valise.devices', 'id'), $1::bigint, false)`),
    last + 1,
  )
}
