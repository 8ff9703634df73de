import { foldText } from '../../store/foldText.ts'
import type { Problem } from './report.ts'

/** Headings of each column, in French and English; case, accents and punctuation count for nothing. */
const headings = {
  name: ['nom complet', 'nom affiché', 'name', 'full name', 'display name'],
  firstName: ['prénom', 'first name', 'given name'],
  lastName: ['nom', 'nom de famille', 'last name', 'surname', 'family name'],
  title: ['fonction', 'titre', 'title', 'job title', 'function'],
  service: ['service', 'direction', 'bureau', 'department', 'unit'],
  organisation: ['organisation', 'organisme', 'entité', 'ministère', 'organization', 'ministry'],
  email: [
    'courriel',
    'adresse électronique',
    'adresse e-mail',
    'adresse mail',
    'mail',
    'e-mail',
    'email',
    'email address',
  ],
  identifier: ['identifiant', 'matricule', 'identifier', 'id', 'employee number'],
  role: ['rôle', 'role'],
  expires: ['expiration', 'date de fin', 'fin', 'échéance', 'expires', 'expiry', 'end date'],
  hidden: ['masqué', 'caché', 'hidden'],
} as const

export type Column = keyof typeof headings
/** Where each column stands that the file has. */
export type Columns = { readonly [C in Column]?: { readonly index: number; readonly heading: string } }

const known = new Map(
  (Object.keys(headings) as Column[]).flatMap((column) =>
    headings[column].map((heading) => [foldText(heading), column] as const),
  ),
)

export interface Header {
  readonly columns: Columns
  readonly ignored: readonly string[]
  readonly problems: readonly Problem[]
}

/** A file needs names, and addresses or identifiers by which a second import knows the same person again. */
export function readHeader(cells: readonly string[]): Header {
  const columns: { -readonly [C in Column]?: { index: number; heading: string } } = {}
  const [ignored, problems]: [string[], Problem[]] = [[], []]
  for (const [index, heading] of cells.entries()) {
    const column = known.get(foldText(heading).trim())
    if (column === undefined) ignored.push(heading)
    else if (columns[column] !== undefined) problems.push({ line: 1, code: 'header.twice', column: heading })
    else columns[column] = { index, heading }
  }
  if (columns.name === undefined && columns.lastName === undefined)
    problems.push({ line: 1, code: 'header.name', column: '' })
  if (columns.email === undefined && columns.identifier === undefined)
    problems.push({ line: 1, code: 'header.key', column: '' })
  return { columns, ignored: ignored.filter((heading) => heading !== ''), problems }
}
