import { decodeFile } from './decode.ts'
import { readHeader } from './columns.ts'
import { readPerson, type FilePerson } from './person.ts'
import { readTable } from './table.ts'
import type { Problem, ProblemCode } from './report.ts'
import type { FileForm } from './decode.ts'

export interface ReadFile {
  readonly form: FileForm | null
  readonly persons: readonly FilePerson[]
  readonly problems: readonly Problem[]
  readonly ignored: readonly string[]
  /** Nothing of it can be used: the problem is the file's. */
  readonly useless: boolean
}

/** A file of persons with all that is wrong with it, line by line. `domains`: whose addresses the relay takes. */
export function readPeopleFile(bytes: Uint8Array, domains: readonly string[]): ReadFile {
  const decoded = decodeFile(bytes)
  if ('code' in decoded) return uselessFile(null, [decoded])
  const { form, text } = decoded
  const table = readTable(text, form.delimiter)
  if ('code' in table) return uselessFile(form, [table])
  const [head, ...rows] = table
  if (head === undefined) return uselessFile(form, [whole('empty')])
  const { columns, ignored, problems } = readHeader(head.cells)
  if (problems.length > 0) return { ...uselessFile(form, problems), ignored }
  const read = rows.map((row) => readPerson(row, columns, domains))
  return {
    form,
    persons: read.filter((each): each is FilePerson => !isProblems(each)),
    problems: read.filter(isProblems).flat(),
    ignored,
    useless: false,
  }
}

function isProblems(read: FilePerson | readonly Problem[]): read is readonly Problem[] {
  return Array.isArray(read)
}

function whole(code: ProblemCode): Problem {
  return { line: 0, code, column: '' }
}

function uselessFile(form: FileForm | null, problems: readonly Problem[]): ReadFile {
  return { form, persons: [], problems, ignored: [], useless: true }
}
