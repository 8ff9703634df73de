import { withinBounds } from '../../accounts/organisation.ts'
import { neededWords } from '../foldText.ts'
import type { DirectoryPage, DirectorySearch } from '../store.ts'
import { accountColumns, entryOf, type AccountRow } from './pgAccess.ts'
import type { Database } from './database.ts'
import { statement, type SqlValue } from './statement.ts'

/** Past so many matches a page is found by walking the names in order instead of sorting all that match. */
const sortedMax = 2_000
/** No letter comes after it: words that begin with `mar` lie between `mar` and `mar` with this behind. */
const last = '\u{10FFFF}'

/** The same answers as the embedded engine's (`sqliteDirectory`), from a table with a row for each word of an account. */
export async function searchDirectory(db: Database, search: DirectorySearch): Promise<DirectoryPage> {
  const words = neededWords(search.words)
  if (search.within !== undefined) return searchWithin(db, words, search, search.within)
  const found = words.length === 0 ? Infinity : await matches(db, words, sortedMax + 1)
  if (found === 0) return { entries: [], more: false, total: search.counted ? 0 : null }
  const [rows, total] = await Promise.all([
    found <= sortedMax ? fewMatching(db, words, search) : manyMatching(db, words, search),
    search.counted ? totalOf(db, words, search.except) : null,
  ])
  return pageFrom(rows, search, total)
}

function pageFrom(
  rows: readonly AccountRow[],
  { limit }: DirectorySearch,
  total: number | null,
): DirectoryPage {
  return { entries: rows.slice(0, limit).map(entryOf), more: rows.length > limit, total }
}

/** What belongs to one organisation is looked through as it stands: it is few beside the whole. */
async function searchWithin(
  db: Database,
  words: readonly string[],
  search: DirectorySearch,
  within: string,
): Promise<DirectoryPage> {
  const { from, to } = withinBounds(within)
  const matches = (values: Values): string => {
    const [whole, low, high] = [values.add(within), values.add(from), values.add(to)]
    return `${beginnings(words, values)} (organisation = ${whole} OR (organisation >= ${low} AND organisation < ${high}))`
  }
  const [paged, counted] = [new Values(), new Values()]
  const page = `SELECT ${accountColumns} FROM accounts WHERE ${matches(paged)} AND ${pageOf(search, paged)}`
  const count = `SELECT count(*) AS n FROM accounts WHERE ${matches(counted)} AND listed
                 AND account_id <> ${counted.add(search.except)}`
  const [rows, total] = await Promise.all([
    db.rows(statement<AccountRow>(page), ...paged.all),
    search.counted ? countOf(db, count, counted) : null,
  ])
  return pageFrom(rows, search, total)
}

/** Values of one statement, each with its `$n`. */
class Values {
  readonly all: SqlValue[] = []

  add(value: SqlValue): string {
    this.all.push(value)
    return `$${this.all.length}`
  }
}

/** The numbers of the accounts that have a word beginning with each of these. */
function matching(words: readonly string[], values: Values): string {
  return words
    .map((word) => {
      const [from, to] = [values.add(word), values.add(`${word}${last}`)]
      return `SELECT account FROM words WHERE word BETWEEN ${from}::text AND ${to}::text`
    })
    .join(' INTERSECT ')
}

/** What a row's words have to begin with, ending in AND; for rows that are looked at anyway. */
function beginnings(words: readonly string[], values: Values): string {
  return words.map((word) => `strpos(search_text, ${values.add(` ${word}`)}) > 0 AND `).join('')
}

async function matches(db: Database, words: readonly string[], max: number): Promise<number> {
  const values = new Values()
  const limited = `SELECT 1 FROM (${matching(words, values)}) m LIMIT ${max}`
  return countOf(db, `SELECT count(*) AS n FROM (${limited}) found`, values)
}

async function fewMatching(
  db: Database,
  words: readonly string[],
  search: DirectorySearch,
): Promise<AccountRow[]> {
  const values = new Values()
  const sql = `SELECT ${accountColumns} FROM accounts WHERE id IN (${matching(words, values)}) AND ${pageOf(search, values)}`
  return db.rows(statement<AccountRow>(sql), ...values.all)
}

async function manyMatching(
  db: Database,
  words: readonly string[],
  search: DirectorySearch,
): Promise<AccountRow[]> {
  const values = new Values()
  const each = beginnings(words, values)
  return db.rows(
    statement<AccountRow>(`SELECT ${accountColumns} FROM accounts WHERE ${each}${pageOf(search, values)}`),
    ...values.all,
  )
}

/** The end of a statement that reads one row more than the page, which says whether another page follows. */
function pageOf({ except, after, limit }: DirectorySearch, values: Values): string {
  const later =
    after === null
      ? ''
      : `AND (sort_key, account_id) >
         (SELECT sort_key, account_id FROM accounts WHERE account_id = ${values.add(after)})`
  return `listed AND account_id <> ${values.add(except)} ${later}
          ORDER BY sort_key, account_id LIMIT ${values.add(limit + 1)}`
}

async function totalOf(db: Database, words: readonly string[], except: string): Promise<number> {
  const values = new Values()
  const own = values.add(except)
  const asking = `(SELECT id FROM accounts WHERE account_id = ${own})`
  const sql =
    words.length === 0
      ? `SELECT count(*) AS n FROM accounts WHERE listed AND account_id <> ${own}`
      : `SELECT count(DISTINCT account) AS n FROM (${matching(words, values)}) m WHERE account IS DISTINCT FROM ${asking}`
  return countOf(db, sql, values)
}

async function countOf(db: Database, sql: string, values: Values): Promise<number> {
  const [row] = await db.rows(statement<{ readonly n: number }>(sql), ...values.all)
  return row?.n ?? 0
}
