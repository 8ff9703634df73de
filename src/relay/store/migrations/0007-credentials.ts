import type { Migration } from './migration.ts'

/** Second factors: public keys of authenticators, one-time links that register them (as a hash), which limits were opened by one. */
export const credentials: Migration = {
  version: 7,
  sql: `
    CREATE TABLE credentials (
      id BLOB PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 1023),
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      public_key BLOB NOT NULL,
      counter INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX credentials_by_account ON credentials (account);

    CREATE TABLE credential_links (
      account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
      link_hash BLOB NOT NULL UNIQUE CHECK (length(link_hash) = 32),
      expires_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE step_ups (
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      device_id INTEGER NOT NULL,
      budget TEXT NOT NULL,
      id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
      asked_at INTEGER NOT NULL,
      confirmed_at INTEGER,
      ends_at INTEGER NOT NULL,
      PRIMARY KEY (account, device_id, budget)
    ) STRICT;
  `,
}
