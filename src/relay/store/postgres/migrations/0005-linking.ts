import type { PostgresMigration } from './migration.ts'

/** Where a new device and an old one meet, for ten minutes; `offer` as `peers/postgresLinking.ts` writes it. */
export const linking: PostgresMigration = {
  version: 5,
  sql: `
    CREATE UNLOGGED TABLE link_offers (
      link_id text PRIMARY KEY,
      account_id uuid,
      expires_at bigint NOT NULL,
      offer text NOT NULL
    );
    CREATE INDEX link_offers_by_account ON link_offers (account_id);
    CREATE INDEX link_offers_by_expiry ON link_offers (expires_at);
    CREATE UNLOGGED TABLE link_tries (
      account_id uuid PRIMARY KEY,
      began bigint NOT NULL,
      tries int NOT NULL,
      expires_at bigint NOT NULL
    );
  `,
}
