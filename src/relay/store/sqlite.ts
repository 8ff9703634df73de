import { limits } from '../../wire/limits.ts'
import { RecipientLimit } from './recipientLimit.ts'
import { sqliteActs } from './sqliteActs.ts'
import { sqliteApprovals } from './sqliteApprovals.ts'
import { sqliteChanges } from './sqliteChanges.ts'
import { sqlitePeople } from './sqlitePeople.ts'
import { sqliteAlerts } from './sqliteAlerts.ts'
import { sqliteBlobs } from './sqliteBlobs.ts'
import { sqliteBudgets } from './sqliteBudgets.ts'
import { sqliteAccounts } from './sqliteAccounts.ts'
import { sqliteCredentials } from './sqliteCredentials.ts'
import { sqliteDevices } from './sqliteDevices.ts'
import { sqliteGenerations } from './sqliteGenerations.ts'
import { sqliteIdentities } from './sqliteIdentities.ts'
import { sqliteInvitations } from './sqliteInvitations.ts'
import { sqliteKeys } from './sqliteKeys.ts'
import { SpentPermits, sqlitePermits } from './sqlitePermits.ts'
import { sqliteQueueStats } from './sqliteQueueStats.ts'
import { sqliteQueues } from './sqliteQueues.ts'
import { openDatabase, type SqliteOptions } from './sqliteOpen.ts'
import type { RelayStore } from './store.ts'

/** The embedded engine: one file, one writing relay. Commands may open it beside a running relay (WAL). */
export function openSqliteStore(file: string, options: SqliteOptions = {}): RelayStore {
  const db = openDatabase(file, options)
  const spent = new SpentPermits(db)
  const keys = sqliteKeys(db, spent)
  const acts = sqliteActs(db)
  const { queueBytes = limits.queueBytes } = options
  const { permitsPerDay = limits.permitsPerDay, permitPutsPerHour = limits.permitPutsPerHour } = options
  return {
    accounts: sqliteAccounts(db),
    invitations: sqliteInvitations(db, keys.write),
    devices: sqliteDevices(db, keys.write),
    identities: sqliteIdentities(db, keys.write),
    generations: sqliteGenerations(db),
    keys: keys.store,
    permits: sqlitePermits(db, spent, permitsPerDay),
    queues: sqliteQueues(db, {
      permits: spent,
      queueBytes,
      recipients: new RecipientLimit(permitPutsPerHour),
    }),
    people: sqlitePeople(db, acts.write),
    changes: sqliteChanges(db),
    acts: acts.store,
    approvals: sqliteApprovals(db, acts.write),
    stats: sqliteQueueStats(db),
    budgets: sqliteBudgets(db, acts.write),
    alerts: sqliteAlerts(db, acts.write),
    credentials: sqliteCredentials(db, acts.write),
    blobs: sqliteBlobs(db, spent),
    close: async () => {
      db.close()
    },
  }
}
