import type { PostgresMigration } from './migration.ts'

/**
 * Roles and ends of accounts, what running relays have to hear of (`changes`), and the journal of acts. The numbers of
 * changes come from `changes_state`, whose row is locked until the commit: a lower one never appears after a higher one.
 */
export const people: PostgresMigration = {
  version: 2,
  sql: `
    ALTER TABLE accounts
      ADD COLUMN role text NOT NULL DEFAULT 'member'
        CHECK (role IN ('member', 'guest', 'administrator', 'auditor', 'securityOfficer')),
      ADD COLUMN hidden boolean NOT NULL DEFAULT false,
      ADD COLUMN disabled_at bigint,
      ADD COLUMN expires_at bigint,
      ADD COLUMN email text,
      ADD COLUMN identifier text,
      ADD COLUMN listed boolean NOT NULL DEFAULT false;
    UPDATE accounts SET listed = enrolled_at IS NOT NULL;
    CREATE UNIQUE INDEX accounts_by_email ON accounts (email) WHERE email IS NOT NULL;
    CREATE UNIQUE INDEX accounts_by_identifier ON accounts (identifier) WHERE identifier IS NOT NULL;
    CREATE INDEX accounts_by_organisation ON accounts (organisation);
    CREATE INDEX accounts_by_expiry ON accounts (expires_at) WHERE expires_at IS NOT NULL;
    DROP INDEX accounts_by_name;
    CREATE INDEX accounts_by_name ON accounts (sort_key, account_id) WHERE listed;

    CREATE TABLE changes_state (
      one int PRIMARY KEY CHECK (one = 1),
      last bigint NOT NULL
    );
    INSERT INTO changes_state VALUES (1, 0);
    CREATE TABLE changes (
      id bigint PRIMARY KEY,
      at bigint NOT NULL,
      kind text NOT NULL,
      account_id uuid,
      device bigint,
      revision bigint
    );

    CREATE TABLE acts (
      seq bigint PRIMARY KEY,
      time bigint NOT NULL,
      monotonic bigint NOT NULL,
      type text NOT NULL,
      actor text NOT NULL,
      commitment bytea NOT NULL,
      leaf bytea NOT NULL,
      payload text,
      salt bytea
    );
    CREATE TABLE acts_state (
      one int PRIMARY KEY CHECK (one = 1),
      size bigint NOT NULL,
      frontier bytea NOT NULL
    );
    INSERT INTO acts_state VALUES (1, 0, '');

    CREATE TABLE email_domains (domain text COLLATE "C" PRIMARY KEY);

    CREATE TABLE approvals (
      code_hash bytea PRIMARY KEY CHECK (length(code_hash) = 32),
      what text NOT NULL,
      asked_by text NOT NULL,
      expires_at bigint NOT NULL,
      approved_by text
    );
  `,
}
