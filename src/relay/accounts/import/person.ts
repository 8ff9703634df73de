import { canonicalEmail, isAllowedEmail } from '../email.ts'
import { foldText } from '../../store/foldText.ts'
import { canonicalOrganisation } from '../organisation.ts'
import type { Column, Columns } from './columns.ts'
import type { Problem, ProblemCode } from './report.ts'
import type { TableRow } from './table.ts'

/** A line of the file, understood. What is undefined has no column or an empty cell: what the relay has stays. */
export interface FilePerson {
  readonly line: number
  readonly displayName: string
  readonly title: string | undefined
  readonly service: string | undefined
  readonly organisation: string | undefined
  readonly email: string | undefined
  readonly identifier: string | undefined
  /** An import makes no administrator: other roles are given one by one. */
  readonly role: 'member' | 'guest' | undefined
  readonly expiresAt: number | undefined
  readonly hidden: boolean | undefined
}

const roles = new Map([
  ['membre', 'member'],
  ['agent', 'member'],
  ['member', 'member'],
  ['invite', 'guest'],
  ['guest', 'guest'],
] as const)

const answers = new Map([
  ...['0', 'non', 'no', 'faux', 'false'].map((word) => [word, false] as const),
  ...['1', 'oui', 'yes', 'vrai', 'true', 'x'].map((word) => [word, true] as const),
])

const lineMax = 200
const proper = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u

/** A person of one row, or all that is wrong with it. `domains` are those whose addresses the relay takes. */
export function readPerson(
  row: TableRow,
  columns: Columns,
  domains: readonly string[],
): FilePerson | readonly Problem[] {
  const reader = new RowReader(row, columns)
  const email = reader.email(domains)
  const identifier = reader.text('identifier')
  const person: FilePerson = {
    line: row.line,
    displayName: reader.name(),
    title: reader.text('title'),
    service: reader.text('service'),
    organisation: reader.organisation(),
    email,
    identifier,
    role: reader.choice('role', roles),
    expiresAt: reader.day('expires'),
    hidden: reader.choice('hidden', answers),
  }
  if (email === undefined && identifier === undefined) reader.refuse('key')
  return reader.problems.length > 0 ? reader.problems : person
}

class RowReader {
  readonly problems: Problem[] = []
  readonly #row: TableRow
  readonly #columns: Columns

  constructor(row: TableRow, columns: Columns) {
    this.#row = row
    this.#columns = columns
    const width = Math.max(...Object.values(columns).map(({ index }) => index + 1))
    // Fewer cells than headings: what stands where cannot be told.
    if (row.cells.length < width) this.refuse('columns')
  }

  refuse(code: ProblemCode, column?: Column): void {
    const heading = column === undefined ? '' : (this.#columns[column]?.heading ?? '')
    this.problems.push({ line: this.#row.line, code, column: heading })
  }

  /** Undefined: there is no such column, or nothing in it. */
  text(column: Column): string | undefined {
    const place = this.#columns[column]
    if (place === undefined) return undefined
    const value = this.#row.cells[place.index] ?? ''
    if (value === '') return undefined
    if (value.length <= lineMax && proper.test(value)) return value.normalize('NFC')
    this.refuse('value', column)
    return undefined
  }

  name(): string {
    const whole = this.text('name')
    const parts = [this.text('firstName'), this.text('lastName')].filter((part) => part !== undefined)
    const name = whole ?? parts.join(' ')
    const column = this.#columns.name === undefined ? 'lastName' : 'name'
    if (name === '' || name.length > lineMax) this.refuse('name', column)
    return name
  }

  organisation(): string | undefined {
    const value = this.text('organisation')
    return value === undefined ? undefined : canonicalOrganisation(value) || undefined
  }

  email(domains: readonly string[]): string | undefined {
    const value = this.text('email')
    if (value === undefined) return undefined
    const address = canonicalEmail(value)
    if (address === null) this.refuse('email', 'email')
    else if (!isAllowedEmail(address, domains)) this.refuse('domain', 'email')
    return address ?? undefined
  }

  choice<T>(column: 'role' | 'hidden', words: ReadonlyMap<string, T>): T | undefined {
    const value = this.text(column)
    if (value === undefined) return undefined
    const chosen = words.get(foldText(value))
    if (chosen === undefined) this.refuse(column === 'role' ? 'role' : 'value', column)
    return chosen
  }

  /** The end of that day, UTC. */
  day(column: 'expires'): number | undefined {
    const value = this.text(column)
    if (value === undefined) return undefined
    const end = endOfDay(value)
    if (end === null) this.refuse('value', column)
    return end ?? undefined
  }
}

/** `2027-06-30` or `30/06/2027`, in ms since the epoch at the end of that day (UTC); null for what is no day. */
export function endOfDay(text: string): number | null {
  const french = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text)
  const iso = french === null ? text : `${french[3]}-${french[2]}-${french[1]}`
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso)) return null
  const start = Date.parse(`${iso}T00:00:00Z`)
  // The 31st of a shorter month would be taken for a day of the next one.
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== iso) return null
  return start + 24 * 3_600_000
}
