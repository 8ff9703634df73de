import { CodedError } from '../../base/errors.ts'
import { accountIdSchema } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { searchWords } from '../store/foldText.ts'
import { isWithin } from '../accounts/organisation.ts'
import { directoryScope } from '../accounts/standing.ts'
import type { AccountStore, RelayStore } from '../store/store.ts'
import type { Handler } from './registrar.ts'

/** Where a page ended, and the total that was counted for the first one. Who alters it misleads itself only. */
interface Cursor {
  readonly accountId: string
  readonly total: number
}

/** Each costs up to some milliseconds in a large directory; no name and function together have so many. */
const wordsMax = 12

export function searchDirectory(accounts: AccountStore): Handler<'directory'> {
  return async ({ device, query }) => {
    const cursor = query.after === undefined ? null : readCursor(query.after)
    const words = searchWords(query.query)
    if (words.length > wordsMax) throw new CodedError('request.malformed')
    const scope = directoryScope(device.standing)
    const page = await accounts.search({
      words,
      after: cursor?.accountId ?? null,
      except: device.accountId,
      counted: cursor === null,
      limit: limits.directoryPage,
      ...(scope === null ? {} : { within: scope }),
    })
    const total = page.total ?? cursor?.total ?? 0
    const last = page.entries.at(-1)
    const next = page.more && last !== undefined ? `${last.accountId}.${total}` : null
    return { entries: [...page.entries], next, total }
  }
}

/** By the exact id, which is how hidden accounts are reached. A guest sees nobody that the directory does not show it. */
export function accountById({ accounts, people }: RelayStore): Handler<'account'> {
  return async ({ device, query }) => {
    const entry = await accounts.find(query.accountId)
    const scope = directoryScope(device.standing)
    if (entry === null) throw new CodedError('recipient.unknown')
    if (scope === null || entry.accountId === device.accountId) return entry
    const hidden = (await people.find(query.accountId))?.hidden ?? true
    if (hidden || !isWithin(entry.organisation, scope)) throw new CodedError('recipient.unknown')
    return entry
  }
}

function readCursor(text: string): Cursor {
  const [, accountId, total] = /^([0-9a-f-]{36})\.(\d{1,9})$/.exec(text) ?? []
  if (!accountIdSchema.safeParse(accountId).success || accountId === undefined)
    throw new CodedError('request.malformed')
  return { accountId, total: Number(total) }
}
