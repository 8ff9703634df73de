import { fromUuid, toUuid } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { Transaction } from '../store/postgres/database.ts'
import { statement, type SqlValue } from '../store/postgres/statement.ts'
import type { PlainRow, PlainValue } from './tables.ts'

const rowsAtOnce = 200

const readColumns = statement<{ readonly name: string; readonly type: string }>(
  `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
   WHERE table_schema = 'valise' AND table_name = $1`,
)

/** Columns of a table and their types. */
export async function columnsOf(tx: Transaction, table: string): Promise<ReadonlyMap<string, string>> {
  return new Map((await tx.rows(readColumns, table)).map(({ name, type }) => [name, type]))
}

export async function countOf(tx: Transaction, table: string): Promise<number> {
  const [row] = await tx.rows(statement<{ readonly n: number }>(`SELECT count(*) AS n FROM ${table}`))
  return row?.n ?? 0
}

export async function insertRows(
  tx: Transaction,
  table: string,
  types: ReadonlyMap<string, string>,
  rows: Iterable<PlainRow>,
): Promise<void> {
  let group: PlainRow[] = []
  for (const row of rows) {
    group.push(row)
    if (group.length < rowsAtOnce) continue
    await insertGroup(tx, table, types, group)
    group = []
  }
  if (group.length > 0) await insertGroup(tx, table, types, group)
}

async function insertGroup(
  tx: Transaction,
  table: string,
  types: ReadonlyMap<string, string>,
  rows: readonly PlainRow[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const values: SqlValue[] = []
  const tuples = rows.map((row) => {
    const places = columns.map((column) => {
      values.push(given(types.get(column), row[column] ?? null))
      return `$${values.length}`
    })
    return `(${places.join(', ')})`
  })
  await tx.rows(
    statement(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples.join(', ')}`),
    ...values,
  )
}

function given(type: string | undefined, value: PlainValue): SqlValue {
  if (type === 'bool') return value === null ? null : value !== 0
  if (type !== 'uuid' || !(value instanceof Uint8Array)) return value
  const uuid = toUuid(value)
  if (uuid === null) throw new CodedError('relay.dataDamaged')
  return uuid
}

/** All rows of a table, some at a time; `order` where it matters. */
export async function* readRows(
  tx: Transaction,
  table: string,
  columns: readonly string[],
  types: ReadonlyMap<string, string>,
  order = '',
): AsyncGenerator<readonly PlainRow[]> {
  await tx.rows(statement(`DECLARE moved CURSOR FOR SELECT ${columns.join(', ')} FROM ${table} ${order}`))
  const fetch = statement<Record<string, unknown>>(`FETCH ${rowsAtOnce} FROM moved -- ${table}`)
  for (;;) {
    const rows = await tx.rows(fetch)
    if (rows.length === 0) break
    yield rows.map((row) =>
      Object.fromEntries(columns.map((column) => [column, taken(types.get(column), row[column])])),
    )
  }
  await tx.rows(statement(`CLOSE moved`))
}

function taken(type: string | undefined, value: unknown): PlainValue {
  if (value === null || value === undefined) return null
  if (type === 'bool') return value === true ? 1 : 0
  if (type === 'uuid' && typeof value === 'string') return fromUuid(value)
  if (typeof value === 'number' || typeof value === 'string' || value instanceof Uint8Array) return value
  throw new CodedError('internal')
}
