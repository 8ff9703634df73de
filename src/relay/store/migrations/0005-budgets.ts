import type { Migration } from './migration.ts'

/**
 * What accounts use of their budgets, by slots of time, and what administrators are to know of. SECURITY 9: amounts
 * only. A device's rows stay when it is removed: linking another one does not give anything anew.
 */
export const budgets: Migration = {
  version: 5,
  sql: `
    CREATE TABLE budget_counts (
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      budget TEXT NOT NULL,
      device_id INTEGER NOT NULL,
      slot INTEGER NOT NULL,
      used INTEGER NOT NULL,
      PRIMARY KEY (account, budget, device_id, slot)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX budget_counts_by_slot ON budget_counts (budget, slot);

    CREATE TABLE budget_settings (
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      budget TEXT NOT NULL,
      soft INTEGER NOT NULL,
      hard INTEGER NOT NULL,
      until INTEGER NOT NULL,
      PRIMARY KEY (account, budget)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE alerts (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      device_id INTEGER NOT NULL,
      budget TEXT NOT NULL,
      kind TEXT NOT NULL,
      level TEXT NOT NULL,
      used INTEGER NOT NULL,
      allowed INTEGER NOT NULL,
      period INTEGER NOT NULL,
      acknowledged_at INTEGER,
      reason TEXT NOT NULL DEFAULT '',
      claimed_at INTEGER,
      mailed INTEGER NOT NULL DEFAULT 0,
      UNIQUE (account, device_id, budget, kind, level, period)
    ) STRICT;
    CREATE INDEX alerts_to_mail ON alerts (id) WHERE mailed = 0;
  `,
}
