import { fromUuid, toUuid } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { DirectoryEntry } from '../../wire/http.ts'
import { searchDirectory } from './sqliteDirectory.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { AccountStore } from './store.ts'

export interface AccountRow {
  readonly account_id: Uint8Array
  readonly display_name: string
  readonly title: string
  readonly service: string
  readonly organisation: string
}

export const accountColumns = 'account_id, display_name, title, service, organisation'

export function sqliteAccounts(db: SqliteDatabase): AccountStore {
  const byId = db.prepare<[Uint8Array], AccountRow>(
    `SELECT ${accountColumns} FROM accounts WHERE account_id = ? AND enrolled_at IS NOT NULL`,
  )
  return {
    find: async (accountId) => {
      const row = orUnavailable(() => byId.get(uuidBytes(accountId)))
      return row === undefined ? null : entryOf(row)
    },
    search: async (search) => orUnavailable(() => searchDirectory(db, search)),
  }
}

export function entryOf(row: AccountRow): DirectoryEntry {
  return {
    accountId: uuidText(row.account_id),
    displayName: row.display_name,
    title: row.title,
    service: row.service,
    organisation: row.organisation,
  }
}

/** For ids that passed a schema before. */
export function uuidBytes(accountId: string): Uint8Array {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new CodedError('request.malformed')
  return bytes
}

export function uuidText(bytes: Uint8Array): string {
  const text = toUuid(bytes)
  if (text === null) throw new CodedError('internal')
  return text
}
