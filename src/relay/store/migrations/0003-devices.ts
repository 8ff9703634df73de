import type { Migration } from './migration.ts'

/**
 * Several devices of an account, vault generations, blind permits. A device of an older relay has no attestation: it
 * gets one that nothing verifies and loses its keys, so that nobody is offered them before it adopts the identity key
 * anew. `device_numbers` keeps a removed device's number from coming back: what was counted or acknowledged for it
 * must never fall to another. SECURITY 9: a spent permit is a random number, and its put is remembered as a hash.
 */
export const devices: Migration = {
  version: 3,
  sql: `
    ALTER TABLE accounts ADD COLUMN access_key_hash BLOB CHECK (length(access_key_hash) = 32);
    ALTER TABLE accounts ADD COLUMN devices_revision INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE accounts ADD COLUMN highest_device_id INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE accounts ADD COLUMN permits_day INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE accounts ADD COLUMN permits_drawn INTEGER NOT NULL DEFAULT 0;

    ALTER TABLE devices ADD COLUMN attestation BLOB NOT NULL DEFAULT X'${'00'.repeat(64)}';
    ALTER TABLE devices ADD COLUMN sealed_name BLOB NOT NULL DEFAULT X'';
    ALTER TABLE devices ADD COLUMN last_seen_day INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN generation_last BLOB;
    ALTER TABLE devices ADD COLUMN generation_holder BLOB;
    ALTER TABLE devices ADD COLUMN generation_stopped INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN generation_pending BLOB;
    ALTER TABLE devices ADD COLUMN generation_pending_holder BLOB;
    DELETE FROM device_keys;
    DELETE FROM one_time_pre_keys;
    DELETE FROM one_time_kyber_pre_keys;

    CREATE TABLE device_numbers (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      last INTEGER NOT NULL
    ) STRICT;
    INSERT INTO device_numbers SELECT 1, coalesce(max(id), 0) FROM devices;

    CREATE TABLE spent_permits (
      spend_id BLOB PRIMARY KEY,
      expires_at INTEGER NOT NULL,
      put_hash BLOB
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX spent_permits_by_expiry ON spent_permits (expires_at);
  `,
}
