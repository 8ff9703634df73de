import { emptyJournal, verifyRows } from '../../journal/index.ts'
import type { JournalFinding, JournalRow, JournalState } from '../../journal/index.ts'

export type ActFinding = JournalFinding | { readonly code: 'payload.erased'; readonly seq: number }

/** Checks every act. Nothing deletes an act's payload, which alone says who did it: where it is gone, somebody erased it. */
export function verifyActs(rows: Iterable<JournalRow>, state: JournalState): readonly ActFinding[] {
  const erased: ActFinding[] = []
  const watched = function* (): Generator<JournalRow> {
    for (const row of rows) {
      if (row.payload === null && row.salt === null) erased.push({ code: 'payload.erased', seq: row.seq })
      yield row
    }
  }
  return [...verifyRows(watched(), state, emptyJournal), ...erased]
}
