import { randomBytes } from 'node:crypto'
import { copyBytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import {
  formatFrontier,
  parseState,
  saltBytes,
  sealEntry,
  type JournalRow,
  type JournalState,
} from '../../journal/index.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { ActContext, ActEvent, ActStore } from './peopleStore.ts'

interface ActRow extends Omit<JournalRow, 'commit'> {
  readonly commitment: Uint8Array
}

/** Appends within the caller's transaction. */
export type ActWriter = (event: ActEvent, context: ActContext) => void

export function sqliteActs(db: SqliteDatabase): { readonly store: ActStore; readonly write: ActWriter } {
  const readState = db.prepare<[], { size: number; frontier: Uint8Array }>(
    'SELECT size, frontier FROM acts_state',
  )
  const writeState = db.prepare('UPDATE acts_state SET size = ?, frontier = ?')
  const insert = db.prepare('INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const select = db.prepare<[number, number], ActRow>(
    'SELECT * FROM acts WHERE seq >= ? ORDER BY seq LIMIT ?',
  )
  const state = (): JournalState => {
    const row = readState.get()
    const parsed = row === undefined ? null : parseState(row.size, row.frontier)
    if (parsed === null) throw new CodedError('relay.dataDamaged')
    return parsed
  }
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
      rows: async (seq, limit) => orUnavailable(() => select.all(seq, limit).map(rowOf)),
      state: async () => orUnavailable(state),
    },
  }
}

/** The entry of an act, for any engine. Who acted lies in the payload: retention may delete it, the proof stays. */
export function sealAct(
  state: JournalState,
  { type, account, detail }: ActEvent,
  { by, now }: ActContext,
): ReturnType<typeof sealEntry> {
  const payload = {
    by: by.name,
    ...(account === undefined ? {} : { account }),
    ...(detail === undefined ? {} : { detail }),
  }
  const clock = { now: () => now, monotonic: () => performance.now() }
  return sealEntry(state, { type, actor: by.kind, payload }, copyBytes(randomBytes(saltBytes)), clock)
}

function rowOf({ commitment, leaf, salt, ...row }: ActRow): JournalRow {
  return {
    ...row,
    commit: copyBytes(commitment),
    leaf: copyBytes(leaf),
    salt: salt === null ? null : copyBytes(salt),
  }
}
