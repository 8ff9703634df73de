import { CodedError } from '../../base/errors.ts'
import { accountIdSchema, type DirectoryEntry } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import type { BudgetLedger } from '../budgets/ledger.ts'
import type { SeenEntries } from '../budgets/seen.ts'
import type { Clock } from '../../base/clock.ts'
import { searchWords } from '../store/foldText.ts'
import { isWithin } from '../accounts/organisation.ts'
import type { DeviceRecord } from '../store/deviceStore.ts'
import type { PeopleStore } from '../store/peopleStore.ts'
import type { AccountStore } from '../store/store.ts'
import type { Handler } from './registrar.ts'

export interface DirectoryDeps {
  readonly accounts: AccountStore
  readonly ledger: BudgetLedger
  readonly seen: SeenEntries
  readonly clock: Clock
}

/** Where a page ended, and the total that was counted for the first one. Who alters it misleads itself only. */
interface Cursor {
  /** Null: before the first entry. */
  readonly accountId: string | null
  readonly total: number
}

/** Each costs up to some milliseconds in a large directory; no name and function together have so many. */
const wordsMax = 12

/** A question that more than a few people match is answered by their number alone; who wants them asks on. */
export function searchDirectory(deps: DirectoryDeps): Handler<'directory'> {
  return async ({ device, query }) => {
    const cursor = query.after === undefined ? null : readCursor(query.after)
    const words = searchWords(query.query)
    if (words.length > wordsMax) throw new CodedError('request.malformed')
    await deps.ledger.spend(device, 'searches')
    const scope = await scopeOf(device, deps.accounts)
    const page = await deps.accounts.search({
      words,
      after: cursor?.accountId ?? null,
      except: device.accountId,
      counted: cursor === null,
      limit: cursor === null ? limits.directoryShown : limits.directoryPage,
      ...(scope === null ? {} : { within: scope }),
    })
    const total = page.total ?? cursor?.total ?? 0
    if (cursor === null && page.more) return { entries: [], next: `.${total}`, total }
    await showEntries(deps, device, page.entries)
    const last = page.entries.at(-1)
    const next = page.more && last !== undefined ? `${last.accountId}.${total}` : null
    return { entries: [...page.entries], next, total }
  }
}

/** By the exact id, which is how hidden accounts are reached. A guest sees nobody that the directory does not show it. */
export function accountById(deps: DirectoryDeps, people: PeopleStore): Handler<'account'> {
  return async ({ device, query }) => {
    await deps.ledger.spend(device, 'searches')
    const entry = await deps.accounts.find(query.accountId)
    const scope = await scopeOf(device, deps.accounts)
    if (entry === null) throw new CodedError('recipient.unknown')
    if (scope !== null && entry.accountId !== device.accountId) {
      const hidden = (await people.find(query.accountId))?.hidden ?? true
      if (hidden || !isWithin(entry.organisation, scope)) throw new CodedError('recipient.unknown')
    }
    await showEntries(deps, device, [entry])
    return entry
  }
}

/** How far a device sees the directory: null means all of it. Read each time: memory holds nobody's organisation. */
async function scopeOf(
  { standing, accountId }: DeviceRecord,
  accounts: AccountStore,
): Promise<string | null> {
  if (standing.role !== 'guest') return null
  return (await accounts.find(accountId))?.organisation ?? ''
}

/** Counts what leaves, once for each person in a window, or refuses all of it. */
async function showEntries(
  { ledger, seen, clock }: DirectoryDeps,
  device: DeviceRecord,
  entries: readonly DirectoryEntry[],
): Promise<void> {
  const ids = entries.map(({ accountId }) => accountId).filter((id) => id !== device.accountId)
  const now = clock.now()
  const fresh = seen.fresh(device.accountId, ids, now)
  await ledger.spend(device, 'directory', fresh.length)
  seen.counted(device.accountId, fresh, now)
}

function readCursor(text: string): Cursor {
  const [, accountId, total] = /^([0-9a-f-]{36})?\.(\d{1,9})$/.exec(text) ?? []
  const known = accountId === undefined || accountIdSchema.safeParse(accountId).success
  if (!known || total === undefined) throw new CodedError('request.malformed')
  return { accountId: accountId ?? null, total: Number(total) }
}
