export interface PostgresMigration {
  /** The value of `schema_version` after it. */
  readonly version: number
  readonly sql: string
}
