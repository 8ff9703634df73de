import { accountColumns, entryOf, uuidBytes, type AccountRow } from './accountRows.ts'
import { searchDirectory } from './sqliteDirectory.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { AccountStore } from './store.ts'

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
