import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A person as the directory named them when last seen. */
export interface PersonRow {
  readonly accountId: string
  readonly displayName: string
  readonly title: string
  readonly service: string
  readonly organisation: string
}

export function readPerson(sql: Sql, accountId: string): PersonRow | null {
  return sql.get<{ [K in keyof PersonRow]: string }>(
    `SELECT account_id AS accountId, display_name AS displayName, title, service, organisation
     FROM person WHERE account_id = ?`,
    [accountId],
  )
}

export function writePerson(tx: Tx, person: PersonRow): void {
  tx.run(
    `INSERT INTO person (account_id, display_name, title, service, organisation) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET display_name = excluded.display_name, title = excluded.title,
       service = excluded.service, organisation = excluded.organisation`,
    [person.accountId, person.displayName, person.title, person.service, person.organisation],
  )
}
