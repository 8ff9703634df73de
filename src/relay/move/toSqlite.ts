import { CodedError } from '../../base/errors.ts'
import type { Transaction } from '../store/postgres/database.ts'
import { statement } from '../store/postgres/statement.ts'
import type { SqliteDatabase } from '../store/sqliteOpen.ts'
import { columnsOf, countOf, readRows } from './postgresRows.ts'
import { carried, type MovedCounts, type PlainRow } from './tables.ts'

interface MailboxRow {
  readonly device: number
  readonly acknowledged: number
}

const readMailboxes = statement<MailboxRow>(
  'SELECT device, acknowledged FROM mailboxes WHERE acknowledged > 0',
)
const readNewest = statement<{ readonly last_id: number; readonly received_at: number }>(
  'SELECT coalesce(max(last_id), 0) AS last_id, coalesce(max(received_at), 0) AS received_at FROM mailboxes',
)
const readDeviceNumber = statement<{ readonly last: number }>(
  `SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last FROM devices_id_seq`,
)

/**
 * Everything of a database into an empty embedded store, within a transaction that keeps relays out. There ids rise over
 * all queues together: envelopes get new ones, in the order of each queue and above all that any device has seen.
 */
export async function copyToSqlite(tx: Transaction, db: SqliteDatabase): Promise<MovedCounts> {
  const [newest] = await tx.rows(readNewest)
  let lastId = newest?.last_id ?? 0
  const renumbered = (row: PlainRow): PlainRow => ({ ...row, id: (lastId += 1) })
  const counts = new Map<string, number>()
  db.exec('DELETE FROM acts_state')
  for (const table of carried) {
    await copyTable(tx, db, table, table === 'queue' ? renumbered : (row) => row)
    counts.set(table, await checkedCount(tx, db, table))
  }
  db.exec('INSERT INTO directory (rowid, words) SELECT id, search_text FROM accounts WHERE listed = 1')
  db.prepare('UPDATE queue_state SET last_id = ?, received_at = ?').run(lastId, newest?.received_at ?? 0)
  const acknowledged = db.prepare('UPDATE devices SET acknowledged = ? WHERE id = ?')
  for (const mailbox of await tx.rows(readMailboxes)) acknowledged.run(mailbox.acknowledged, mailbox.device)
  const [numbers] = await tx.rows(readDeviceNumber)
  db.prepare('UPDATE device_numbers SET last = ?').run(numbers?.last ?? 0)
  return counts
}

async function copyTable(
  tx: Transaction,
  db: SqliteDatabase,
  table: string,
  change: (row: PlainRow) => PlainRow,
): Promise<void> {
  const types = await columnsOf(tx, table)
  const there = db.prepare<[], { name: string }>(`SELECT name FROM pragma_table_info('${table}')`).all()
  const columns = there.map(({ name }) => name).filter((name) => types.has(name))
  const insert = db.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  const insertAll = db.transaction((rows: readonly PlainRow[]) => {
    for (const row of rows) insert.run(...columns.map((column) => row[column]))
  })
  const order = table === 'queue' ? 'ORDER BY device, id' : ''
  for await (const rows of readRows(tx, table, columns, types, order)) insertAll(rows.map(change))
}

async function checkedCount(tx: Transaction, db: SqliteDatabase, table: string): Promise<number> {
  const after = db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n
  if (after !== (await countOf(tx, table))) throw new CodedError('relay.dataDamaged')
  return after
}
