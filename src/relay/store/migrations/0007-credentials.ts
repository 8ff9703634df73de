import type { Migration } from './migration.ts'

/** Second factors: public keys of authenticators, one-time links that register them (as a hash), when one was last shown. */
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
      account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
      at INTEGER NOT NULL
    ) STRICT;
  `,
}
