import { CodedError } from '../../base/errors.ts'
import { accountIdSchema } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { searchWords } from '../store/foldText.ts'
import type { AccountStore } from '../store/store.ts'
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
    const page = await accounts.search({
      words,
      after: cursor?.accountId ?? null,
      except: device.accountId,
      counted: cursor === null,
      limit: limits.directoryPage,
    })
    const total = page.total ?? cursor?.total ?? 0
    const last = page.entries.at(-1)
    const next = page.more && last !== undefined ? `${last.accountId}.${total}` : null
    return { entries: [...page.entries], next, total }
  }
}

function readCursor(text: string): Cursor {
  const [, accountId, total] = /^([0-9a-f-]{36})\.(\d{1,9})$/.exec(text) ?? []
  if (!accountIdSchema.safeParse(accountId).success || accountId === undefined)
    throw new CodedError('request.malformed')
  return { accountId, total: Number(total) }
}
