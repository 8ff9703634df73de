import { limits } from '../../wire/limits.ts'
import { sqliteAccounts } from './sqliteAccounts.ts'
import { sqliteInvitations } from './sqliteInvitations.ts'
import { sqliteDevices } from './sqliteDevices.ts'
import { sqliteKeys } from './sqliteKeys.ts'
import { sqliteQueues } from './sqliteQueues.ts'
import { openDatabase, type SqliteOptions } from './sqliteOpen.ts'
import type { RelayStore } from './store.ts'

/** The embedded engine: one file, one writing relay. Commands may open it beside a running relay (WAL). */
export function openSqliteStore(file: string, options: SqliteOptions = {}): RelayStore {
  const db = openDatabase(file, options)
  const keys = sqliteKeys(db)
  return {
    accounts: sqliteAccounts(db),
    invitations: sqliteInvitations(db, keys.write),
    devices: sqliteDevices(db),
    keys: keys.store,
    queues: sqliteQueues(db, options.queueBytes ?? limits.queueBytes),
    close: async () => {
      db.close()
    },
  }
}
