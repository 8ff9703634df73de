import type { Migration } from './migration.ts'

/**
 * Encrypted files: the bytes lie in files with random names. SECURITY 9: who put and who reads one is nowhere; a reader
 * shows a capability, of which this is the hash.
 */
export const blobs: Migration = {
  version: 6,
  sql: `
    CREATE TABLE blobs (
      id BLOB PRIMARY KEY CHECK (length(id) = 32),
      file TEXT NOT NULL UNIQUE,
      size INTEGER NOT NULL,
      content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
      reads_left INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blobs_by_expiry ON blobs (expires_at, size);
  `,
}
