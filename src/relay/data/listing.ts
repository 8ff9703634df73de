import { canonicalOrganisation } from '../accounts/organisation.ts'
import { foldText, searchWords } from '../store/foldText.ts'
import type { ActContext, PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { allAccounts } from './importing.ts'

/** More at once is a bulk read, which needs a second person (`bulkReads.ts`). */
const listedMax = 50

export interface AccountsWanted {
  readonly name?: string | undefined
  /** And what is under it. */
  readonly organisation?: string | undefined
}

/** The first accounts that match. Fifty at a time are everybody in the end: that shows in the journal. */
export async function listAccounts(
  store: Pick<RelayStore, 'people' | 'acts'>,
  { name = '', organisation }: AccountsWanted,
  context: ActContext,
): Promise<{ readonly shown: readonly PersonRecord[]; readonly total: number }> {
  const words = searchWords(name)
  const all = await allAccounts(
    store,
    organisation === undefined ? null : canonicalOrganisation(organisation),
  )
  const found = all.filter((each) =>
    words.every((word) => ` ${foldText(each.displayName)}`.includes(` ${word}`)),
  )
  const shown = found.slice(0, listedMax)
  await store.acts.append({ type: 'read.listed', detail: shown.length }, context)
  return { shown, total: found.length }
}
