import { formatFrontier, type JournalRow, type JournalState } from '../../journal/index.ts'
import { actOf, actStateOf, type ActRow, type ActStateRow } from './actRows.ts'
import { sealAct } from './sealAct.ts'
import { ActVerification } from './verifyActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { ActContext, ActEvent, ActStore } from './peopleStore.ts'

/** Appends within the caller's transaction. */
export type ActWriter = (event: ActEvent, context: ActContext) => void

export function sqliteActs(db: SqliteDatabase): { readonly store: ActStore; readonly write: ActWriter } {
  const state = stateReader(db)
  const writeState = db.prepare('UPDATE acts_state SET size = ?, frontier = ?')
  const insert = db.prepare('INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const select = db.prepare<[number, number], ActRow>(
    'SELECT * FROM acts WHERE seq >= ? ORDER BY seq LIMIT ?',
  )
  const write: ActWriter = (event, context) => {
    const { row, state: next } = sealAct(state(), event, context)
    const { seq, time, monotonic, type, actor, commit, leaf, payload, salt } = row
    insert.run(seq, time, monotonic, type, actor, commit, leaf, payload, salt)
    writeState.run(next.size, formatFrontier(next))
  }
  return {
    write,
    store: {
      append: async (event, context) =>
        orUnavailable(() => db.transaction(() => write(event, context)).immediate()),
      rows: async (seq, limit) => orUnavailable(() => select.all(seq, limit).map(actOf)),
      state: async () => orUnavailable(state),
    },
  }
}

/** Whether every act stands as it was written. Reads them one by one; for a database of the newest version. */
export function areActsWhole(db: SqliteDatabase): boolean {
  const all = db.prepare<[], ActRow>('SELECT * FROM acts ORDER BY seq')
  const rows = function* (): Generator<JournalRow> {
    for (const row of all.iterate()) yield actOf(row)
  }
  // One transaction: rows and state are of the same moment, beside a relay that writes.
  return db.transaction(() => {
    const verification = new ActVerification()
    verification.take(rows())
    return verification.end(stateReader(db)()).length === 0
  })()
}

function stateReader(db: SqliteDatabase): () => JournalState {
  const read = db.prepare<[], ActStateRow>('SELECT size, frontier FROM acts_state')
  return () => actStateOf(read.get())
}
