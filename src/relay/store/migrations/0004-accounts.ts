import type { Migration } from './migration.ts'

/**
 * Roles and ends of accounts, what running relays have to hear of (`changes`), and the journal of acts. An organisation
 * is the path of its names (`accounts.organisation`), so the tree needs no table. `listed` is what the directory shows,
 * in the index that pages through it as in the words; `sqliteListing.ts` keeps the three together.
 */
export const accounts: Migration = {
  version: 4,
  sql: `
    ALTER TABLE accounts ADD COLUMN role TEXT NOT NULL DEFAULT 'member'
      CHECK (role IN ('member', 'guest', 'administrator', 'auditor', 'securityOfficer'));
    ALTER TABLE accounts ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;
    ALTER TABLE accounts ADD COLUMN expires_at INTEGER;
    ALTER TABLE accounts ADD COLUMN email TEXT;
    ALTER TABLE accounts ADD COLUMN identifier TEXT;
    ALTER TABLE accounts ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
    UPDATE accounts SET listed = enrolled_at IS NOT NULL;
    CREATE UNIQUE INDEX accounts_by_email ON accounts (email) WHERE email IS NOT NULL;
    CREATE UNIQUE INDEX accounts_by_identifier ON accounts (identifier) WHERE identifier IS NOT NULL;
    CREATE INDEX accounts_by_organisation ON accounts (organisation);
    CREATE INDEX accounts_by_expiry ON accounts (expires_at) WHERE expires_at IS NOT NULL;
    DROP INDEX accounts_by_name;
    CREATE INDEX accounts_by_name ON accounts (sort_key, account_id) WHERE listed = 1;

    CREATE TABLE changes (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      kind TEXT NOT NULL,
      account_id BLOB,
      device INTEGER,
      revision INTEGER
    ) STRICT;

    CREATE TABLE acts (
      seq INTEGER PRIMARY KEY,
      time INTEGER NOT NULL,
      monotonic INTEGER NOT NULL,
      type TEXT NOT NULL,
      actor TEXT NOT NULL,
      commitment BLOB NOT NULL,
      leaf BLOB NOT NULL,
      payload TEXT,
      salt BLOB
    ) STRICT;
    CREATE TABLE acts_state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      size INTEGER NOT NULL,
      frontier BLOB NOT NULL
    ) STRICT;
    INSERT INTO acts_state VALUES (1, 0, X'');

    CREATE TABLE email_domains (domain TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

    CREATE TABLE approvals (
      code_hash BLOB PRIMARY KEY CHECK (length(code_hash) = 32),
      what TEXT NOT NULL,
      asked_by TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      approved_by TEXT
    ) STRICT, WITHOUT ROWID;
  `,
}
