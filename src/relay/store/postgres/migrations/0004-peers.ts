import type { PostgresMigration } from './migration.ts'

/**
 * What relay processes tell each other. Unlogged, so that a connection costs no write to the disk: after a crash of the
 * server it is empty, and each process enters again what is connected to it.
 */
export const peers: PostgresMigration = {
  version: 4,
  sql: `
    CREATE UNLOGGED TABLE presence (
      device bigint PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
      process bigint NOT NULL,
      holder bytea NOT NULL,
      former_process bigint
    ) WITH (fillfactor = 50);
    CREATE INDEX presence_by_process ON presence (process);
  `,
}
