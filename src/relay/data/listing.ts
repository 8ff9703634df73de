import { setImmediate } from 'node:timers/promises'
import { canonicalOrganisation } from '../accounts/organisation.ts'
import { foldText, searchWords } from '../store/foldText.ts'
import type { ActContext, PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { accountPages } from './importing.ts'

/** More at once is a bulk read, which needs a second person (`bulkReads.ts`). */
const listedMax = 50
/** About 10 ms of work: a relay that serves meanwhile answers others in between. */
const readAtOnce = 500

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
  const within = organisation === undefined ? null : canonicalOrganisation(organisation)
  const shown: PersonRecord[] = []
  let total = 0
  for await (const page of accountPages(store, within, readAtOnce)) {
    const found = page.filter(({ displayName }) =>
      words.every((word) => ` ${foldText(displayName)}`.includes(` ${word}`)),
    )
    shown.push(...found.slice(0, listedMax - shown.length))
    total += found.length
    await setImmediate()
  }
  await store.acts.append({ type: 'read.listed', detail: shown.length }, context)
  return { shown, total }
}
