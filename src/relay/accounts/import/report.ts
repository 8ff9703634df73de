import type { FileForm } from './decode.ts'

/** What keeps one line, or the whole file, from being imported. */
export const problemCodes = [
  'empty',
  'encoding',
  'encoding.mixed',
  'quotes',
  'tooLarge',
  'header.name',
  'header.key',
  'header.twice',
  'columns',
  'name',
  'value',
  'email',
  'domain',
  'key',
  'twice',
  'conflict',
  'role',
  'expiry',
] as const
export type ProblemCode = (typeof problemCodes)[number]

export interface Problem {
  /** Of the file, from 1; 0: the file as a whole. */
  readonly line: number
  readonly code: ProblemCode
  /** Heading of the column, as the file has it; empty where no one column is to blame. */
  readonly column: string
}

/** A person of the file, or of the relay: whoever reads the report has given both. */
export interface ReportedPerson {
  readonly line: number
  readonly accountId: string
  readonly name: string
}

export interface ImportReport {
  readonly form: FileForm | null
  readonly persons: number
  readonly created: readonly ReportedPerson[]
  readonly updated: readonly ReportedPerson[]
  readonly unchanged: number
  /**
   * How many members and guests with an address or an identifier the file does not name. A number: who has a file of one
   * line would read all accounts otherwise, which takes two persons.
   */
  readonly missing: number
  /** Those of them that were disabled, each an act in the journal; line 0. */
  readonly disabled: readonly ReportedPerson[]
  readonly problems: readonly Problem[]
  /** Headings that mean nothing here. */
  readonly ignored: readonly string[]
}
