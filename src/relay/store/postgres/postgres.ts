import { limits } from '../../../wire/limits.ts'
import type { StoreBounds } from '../bounds.ts'
import type { RelayStore } from '../store.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { migrate } from './migrate.ts'
import { pgAccounts } from './pgAccounts.ts'
import { pgActs } from './pgActs.ts'
import { pgAlerts } from './pgAlerts.ts'
import { pgApprovals } from './pgApprovals.ts'
import { pgBlobs } from './pgBlobs.ts'
import { pgBudgets } from './pgBudgets.ts'
import { pgChanges } from './pgChanges.ts'
import { pgCredentials } from './pgCredentials.ts'
import { pgDevices } from './pgDevices.ts'
import { pgGenerations } from './pgGenerations.ts'
import { pgIdentities } from './pgIdentities.ts'
import { pgInvitations } from './pgInvitations.ts'
import { pgKeys } from './pgKeys.ts'
import { pgPeople } from './pgPeople.ts'
import { pgPermits } from './pgPermits.ts'
import { pgQueueStats } from './pgQueueStats.ts'
import { pgQueues } from './pgQueues.ts'

export interface PostgresOptions extends DatabaseOptions, StoreBounds {}

/**
 * The engine past one machine: PostgreSQL 15 or newer, and any number of processes on it. Throws the codes of `migrate`,
 * and `relay.unavailable` while the server is away.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<RelayStore> {
  const db = new Database(options)
  try {
    await migrate(db)
  } catch (thrown) {
    await db.close()
    throw thrown
  }
  return postgresStore(db, options)
}

/** Over a database whose tables are up to date; closes it with itself. */
export function postgresStore(db: Database, options: StoreBounds = {}): RelayStore {
  const { queueBytes = limits.queueBytes, permitsPerDay = limits.permitsPerDay } = options
  const { permitPutsPerHour = limits.permitPutsPerHour } = options
  return {
    accounts: pgAccounts(db),
    invitations: pgInvitations(db),
    devices: pgDevices(db),
    identities: pgIdentities(db),
    generations: pgGenerations(db),
    keys: pgKeys(db),
    permits: pgPermits(db, permitsPerDay),
    queues: pgQueues(db, { queueBytes, permitPutsPerHour }),
    stats: pgQueueStats(db),
    people: pgPeople(db),
    changes: pgChanges(db),
    acts: pgActs(db),
    approvals: pgApprovals(db),
    budgets: pgBudgets(db),
    alerts: pgAlerts(db),
    credentials: pgCredentials(db),
    blobs: pgBlobs(db),
    close: async () => db.close(),
  }
}
