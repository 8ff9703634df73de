import type { Migration } from './migration.ts'

/**
 * SECURITY 9: `queue` has no column for a sender, and none may be added. Rows are appended to a rowid table: a
 * clustered (device, id) key was five to six times slower. `queue_state` keeps ids rising after the newest rows were
 * deleted: a late acknowledgement must never hit a newer envelope. With the bodies' lengths in its index a queue is
 * measured without reading them.
 */
export const foundation: Migration = {
  version: 1,
  sql: `
    CREATE TABLE accounts (
      id INTEGER PRIMARY KEY,
      account_id BLOB NOT NULL UNIQUE CHECK (length(account_id) = 16),
      display_name TEXT NOT NULL,
      title TEXT NOT NULL,
      service TEXT NOT NULL,
      organisation TEXT NOT NULL,
      sort_key TEXT NOT NULL,
      search_text TEXT NOT NULL,
      identity_key BLOB,
      enrolled_at INTEGER
    ) STRICT;
    CREATE INDEX accounts_by_name ON accounts (sort_key, account_id) WHERE enrolled_at IS NOT NULL;

    CREATE TABLE invitations (
      id INTEGER PRIMARY KEY,
      code_hash BLOB NOT NULL UNIQUE CHECK (length(code_hash) = 32),
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      used_by BLOB
    ) STRICT;
    CREATE INDEX invitations_by_account ON invitations (account);

    CREATE TABLE devices (
      id INTEGER PRIMARY KEY,
      account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      device_id INTEGER NOT NULL CHECK (device_id BETWEEN 1 AND 127),
      registration_id INTEGER NOT NULL,
      device_key BLOB NOT NULL CHECK (length(device_key) = 32),
      created_at INTEGER NOT NULL,
      UNIQUE (account, device_id)
    ) STRICT;

    CREATE TABLE device_keys (
      device INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
      signed_id INTEGER NOT NULL,
      signed_key BLOB NOT NULL,
      signed_signature BLOB NOT NULL,
      kyber_id INTEGER NOT NULL,
      kyber_key BLOB NOT NULL,
      kyber_signature BLOB NOT NULL
    ) STRICT;

    CREATE TABLE one_time_pre_keys (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
      key_id INTEGER NOT NULL,
      public_key BLOB NOT NULL,
      UNIQUE (device, key_id)
    ) STRICT;

    CREATE TABLE one_time_kyber_pre_keys (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
      key_id INTEGER NOT NULL,
      public_key BLOB NOT NULL,
      signature BLOB NOT NULL,
      UNIQUE (device, key_id)
    ) STRICT;

    CREATE TABLE queue (
      id INTEGER PRIMARY KEY,
      device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
      message_id BLOB NOT NULL CHECK (length(message_id) = 16),
      received_at INTEGER NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX queue_by_device ON queue (device, id, length(body));
    CREATE UNIQUE INDEX queue_by_message ON queue (device, message_id);

    CREATE TABLE queue_state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      last_id INTEGER NOT NULL,
      received_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO queue_state VALUES (1, 0, 0);
  `,
}
