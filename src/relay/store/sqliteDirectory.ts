import { withinBounds } from '../accounts/organisation.ts'
import { accountColumns, entryOf, uuidBytes, type AccountRow } from './accountRows.ts'
import { neededWords } from './foldText.ts'
import type { SqliteDatabase } from './sqliteOpen.ts'
import type { DirectoryPage, DirectorySearch } from './store.ts'

/** Past so many matches a page is found by walking the names in order instead of sorting all that match. */
const sortedMax = 2_000

/**
 * One page. It runs on the event loop that carries the envelopes: over 100,000 accounts some milliseconds for what
 * people type, tens for many single letters.
 */
export function searchDirectory(db: SqliteDatabase, search: DirectorySearch): DirectoryPage {
  const words = neededWords(search.words)
  if (search.within !== undefined) return searchWithin(db, words, search, search.within)
  const match = words.map((word) => `"${word}"*`).join(' ')
  const found = words.length === 0 ? Infinity : matches(db, match, sortedMax + 1)
  if (found === 0) return { entries: [], more: false, total: search.counted ? 0 : null }
  const rows = found <= sortedMax ? fewMatching(db, match, search) : manyMatching(db, words, search)
  return {
    entries: rows.slice(0, search.limit).map(entryOf),
    more: rows.length > search.limit,
    total: search.counted ? total(db, match, uuidBytes(search.except)) : null,
  }
}

/** What belongs to one organisation is looked through as it stands: it is few beside the whole. */
function searchWithin(
  db: SqliteDatabase,
  words: readonly string[],
  search: DirectorySearch,
  within: string,
): DirectoryPage {
  const { from, to } = withinBounds(within)
  const bounds = '(organisation = ? OR (organisation >= ? AND organisation < ?))'
  const matching = words.map(() => 'instr(search_text, ?) > 0 AND ').join('')
  const values = [...words.map((word) => ` ${word}`), within, from, to]
  const { sql, values: end } = pageOf(search)
  const rows = db
    .prepare<unknown[], AccountRow>(
      `SELECT ${accountColumns} FROM accounts WHERE ${matching}${bounds} AND ${sql}`,
    )
    .all(...values, ...end)
  const count = `SELECT count(*) AS n FROM accounts WHERE ${matching}${bounds} AND listed = 1 AND account_id <> ?`
  return {
    entries: rows.slice(0, search.limit).map(entryOf),
    more: rows.length > search.limit,
    total: search.counted ? countOf(db, count, [...values, uuidBytes(search.except)]) : null,
  }
}

function matches(db: SqliteDatabase, match: string, max: number): number {
  return countOf(db, 'SELECT count(*) AS n FROM (SELECT 1 FROM directory WHERE directory MATCH ? LIMIT ?)', [
    match,
    max,
  ])
}

/** CROSS JOIN keeps SQLite from walking all accounts instead. */
function fewMatching(db: SqliteDatabase, match: string, search: DirectorySearch): AccountRow[] {
  const { sql, values } = pageOf(search)
  return db
    .prepare<unknown[], AccountRow>(
      `SELECT ${accountColumns} FROM directory CROSS JOIN accounts ON accounts.id = directory.rowid
       WHERE directory MATCH ? AND ${sql}`,
    )
    .all(match, ...values)
}

function manyMatching(db: SqliteDatabase, words: readonly string[], search: DirectorySearch): AccountRow[] {
  const { sql, values } = pageOf(search)
  const matching = words.map(() => 'instr(search_text, ?) > 0 AND ')
  return db
    .prepare<unknown[], AccountRow>(
      `SELECT ${accountColumns} FROM accounts INDEXED BY accounts_by_name WHERE ${matching.join('')}${sql}`,
    )
    .all(...words.map((word) => ` ${word}`), ...values)
}

/** The end of a statement that reads one row more than the page, which says whether another page follows. */
function pageOf({ except, after, limit }: DirectorySearch): { sql: string; values: unknown[] } {
  const later =
    after === null
      ? ''
      : 'AND (sort_key, account_id) > (SELECT sort_key, account_id FROM accounts WHERE account_id = ?)'
  return {
    sql: `listed = 1 AND account_id <> ? ${later} ORDER BY sort_key, account_id LIMIT ?`,
    values: [uuidBytes(except), ...(after === null ? [] : [uuidBytes(after)]), limit + 1],
  }
}

function total(db: SqliteDatabase, match: string, except: Uint8Array): number {
  return match === '' ? totalOfAll(db, except) : totalMatching(db, match, except)
}

/** The id must be an integer: for a REAL, as JavaScript binds its numbers, and for NULL FTS5 forgets the comparison. */
function totalMatching(db: SqliteDatabase, match: string, except: Uint8Array): number {
  return countOf(
    db,
    `SELECT (SELECT count(*) FROM directory WHERE directory MATCH ?) - (SELECT count(*) FROM directory
     WHERE directory MATCH ? AND rowid = coalesce((SELECT id FROM accounts WHERE account_id = ?), 0)) AS n`,
    [match, match, except],
  )
}

function totalOfAll(db: SqliteDatabase, except: Uint8Array): number {
  return countOf(
    db,
    `SELECT count(*) - count(CASE account_id WHEN ? THEN 1 END) AS n
     FROM accounts INDEXED BY accounts_by_name WHERE listed = 1`,
    [except],
  )
}

function countOf(db: SqliteDatabase, sql: string, values: readonly unknown[]): number {
  return db.prepare<unknown[], { n: number }>(sql).get(...values)?.n ?? 0
}
