import { createHash } from 'node:crypto'

/** One prepared statement and what its rows are; each connection parses it once, by its name. */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  /** Never there: it ties the rows' type to the statement. */
  readonly row?: Row
}

export type SqlValue =
  string | number | boolean | null | Uint8Array | readonly (Uint8Array | null)[] | readonly (string | null)[]

export function statement<Row = unknown>(text: string): Statement<Row> {
  return { name: createHash('sha256').update(text).digest('hex').slice(0, 16), text }
}

/** An array of numbers or UUIDs as PostgreSQL reads one; `pg` would quote each of them. */
export function list(values: Iterable<number | string>): string {
  return `{${[...values].join(',')}}`
}
