import { formatFrontier } from '../../../journal/index.ts'
import { actOf, actStateOf, type ActRow, type ActStateRow } from '../actRows.ts'
import type { ActContext, ActEvent, ActStore } from '../peopleStore.ts'
import { sealAct } from '../sealAct.ts'
import type { Database, Transaction } from './database.ts'
import { list, statement } from './statement.ts'

const readState = statement<ActStateRow>('SELECT size, frontier FROM acts_state')
const lockState = statement<ActStateRow>('SELECT size, frontier FROM acts_state FOR UPDATE')
const writeState = statement('UPDATE acts_state SET size = $1, frontier = $2')
const insertActs = statement(
  `INSERT INTO acts SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[],
     $7::bytea[], $8::text[], $9::bytea[])`,
)
const readActs = statement<ActRow>('SELECT * FROM acts WHERE seq >= $1 ORDER BY seq LIMIT $2')

export function pgActs(db: Database): ActStore {
  return {
    append: async (event, context) =>
      db.atomically(async (tx) => (await actWriter(tx)).write(event, context)),
    rows: async (seq, limit) => (await db.rows(readActs, seq, limit)).map(actOf),
    state: async () => actStateOf((await db.rows(readState))[0]),
  }
}

/** Appends within one transaction, under the lock of the journal: acts are in one order, whichever process they come from. */
export interface ActWriter {
  write(event: ActEvent, context: ActContext): void
  /** The state is written once: thousands of versions of its one row would have to be passed each time. */
  writeAll(events: readonly ActEvent[], context: ActContext): void
}

export async function actWriter(tx: Transaction): Promise<ActWriter> {
  let state = actStateOf((await tx.rows(lockState))[0])
  const writeAll: ActWriter['writeAll'] = (events, context) => {
    const rows = events.map((event) => {
      const { row, state: next } = sealAct(state, event, context)
      state = next
      return row
    })
    if (rows.length === 0) return
    tx.send(
      insertActs,
      list(rows.map(({ seq }) => seq)),
      list(rows.map(({ time }) => time)),
      list(rows.map(({ monotonic }) => monotonic)),
      rows.map(({ type }) => type),
      rows.map(({ actor }) => actor),
      rows.map(({ commit }) => commit),
      rows.map(({ leaf }) => leaf),
      rows.map(({ payload }) => payload),
      rows.map(({ salt }) => salt),
    )
    tx.send(writeState, state.size, formatFrontier(state))
  }
  return { writeAll, write: (event, context) => writeAll([event], context) }
}
