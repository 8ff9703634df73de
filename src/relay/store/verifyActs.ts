import { emptyJournal, RowVerification } from '../../journal/index.ts'
import type { JournalFinding, JournalRow, JournalState } from '../../journal/index.ts'

export type ActFinding = JournalFinding | { readonly code: 'payload.erased'; readonly seq: number }

/** Checks every act. Nothing deletes an act's payload, which alone says who did it: where it is gone, somebody erased it. */
export class ActVerification {
  readonly #rows = new RowVerification(emptyJournal)
  readonly #erased: ActFinding[] = []

  take(rows: Iterable<JournalRow>): void {
    for (const row of rows) {
      if (row.payload === null && row.salt === null)
        this.#erased.push({ code: 'payload.erased', seq: row.seq })
      this.#rows.take(row)
    }
  }

  end(state: JournalState): readonly ActFinding[] {
    return [...this.#rows.end(state), ...this.#erased]
  }
}
