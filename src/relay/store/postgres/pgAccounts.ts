import { accountColumns, entryOf, type AccountRow } from './pgAccess.ts'
import type { Database } from './database.ts'
import { searchDirectory } from './pgDirectory.ts'
import { statement } from './statement.ts'
import type { AccountStore } from '../store.ts'

const byId = statement<AccountRow>(
  `SELECT ${accountColumns} FROM accounts WHERE account_id = $1 AND enrolled_at IS NOT NULL`,
)

export function pgAccounts(db: Database): AccountStore {
  return {
    find: async (accountId) => {
      const [row] = await db.rows(byId, accountId)
      return row === undefined ? null : entryOf(row)
    },
    search: async (search) => searchDirectory(db, search),
  }
}
