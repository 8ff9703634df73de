import { randomBytes } from 'node:crypto'
import { copyBytes } from '../../base/bytes.ts'
import { saltBytes, sealEntry, type JournalState } from '../../journal/index.ts'
import type { ActContext, ActEvent } from './peopleStore.ts'

/** The entry of an act, for any engine. Who acted lies in the payload, which nothing deletes (`verifyActs.ts`). */
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
