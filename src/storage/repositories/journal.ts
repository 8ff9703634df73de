import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import {
  emptyJournal,
  formatFrontier,
  parseState,
  type JournalRow,
  type JournalState,
} from '../../journal/index.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

export function readJournalState(sql: Sql): JournalState {
  const row = sql.get<{ size: number; frontier: Bytes }>('SELECT size, frontier FROM journal_state')
  if (row === null) return emptyJournal
  const state = parseState(row.size, row.frontier)
  if (state === null) throw new CodedError('vault.damaged', { reason: 'journal' })
  return state
}

export function writeJournalRow(tx: Tx, row: JournalRow, state: JournalState): void {
  tx.run(
    `INSERT INTO journal (seq, time, monotonic, type, actor, commitment, leaf, payload, salt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [row.seq, row.time, row.monotonic, row.type, row.actor, row.commit, row.leaf, row.payload, row.salt],
  )
  tx.run(
    `INSERT INTO journal_state (id, size, frontier, flushed) VALUES (1, ?, ?, 0)
     ON CONFLICT DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
    [state.size, formatFrontier(state)],
  )
}

/** How many leaves are known to be on disk in the sidecar. */
export function readFlushed(sql: Sql): number {
  return sql.get<{ flushed: number }>('SELECT flushed FROM journal_state')?.flushed ?? 0
}

export function writeFlushed(tx: Tx, flushed: number): void {
  tx.run('UPDATE journal_state SET flushed = ?', [flushed])
}

export function leavesFrom(sql: Sql, seq: number): Bytes[] {
  return sql
    .all<{ leaf: Bytes }>('SELECT leaf FROM journal WHERE seq >= ? ORDER BY seq', [seq])
    .map((r) => r.leaf)
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  seq: number
  time: number
  monotonic: number
  type: string
  actor: string
  commitment: Bytes
  leaf: Bytes
  payload: string | null
  salt: Bytes | null
}

export function readJournalRows(sql: Sql): JournalRow[] {
  return sql
    .all<Raw>(
      'SELECT seq, time, monotonic, type, actor, commitment, leaf, payload, salt FROM journal ORDER BY seq',
    )
    .map(({ commitment, ...row }) => ({ ...row, commit: commitment }))
}
