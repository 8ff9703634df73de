export interface Migration {
  /** The value of `user_version` after it. */
  readonly version: number
  readonly sql: string
}
