import type { PostgresMigration } from './migration.ts'

/** Second factors: public keys of authenticators, one-time links that register them (as a hash), which limits were opened by one. */
export const credentials: PostgresMigration = {
  version: 6,
  sql: `
    CREATE TABLE credentials (
      id bytea PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 1023),
      account bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      public_key bytea NOT NULL,
      counter bigint NOT NULL,
      created_at bigint NOT NULL
    );
    CREATE INDEX credentials_by_account ON credentials (account);

    CREATE TABLE credential_links (
      account bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
      link_hash bytea NOT NULL UNIQUE CHECK (length(link_hash) = 32),
      expires_at bigint NOT NULL
    );

    CREATE TABLE step_ups (
      account bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
      device_id bigint NOT NULL,
      budget text NOT NULL,
      id bytea NOT NULL UNIQUE CHECK (length(id) = 16),
      asked_at bigint NOT NULL,
      confirmed_at bigint,
      ends_at bigint NOT NULL,
      PRIMARY KEY (account, device_id, budget)
    );
  `,
}
