import type { AccountAct, PersonRecord, Profile } from '../../store/peopleStore.ts'
import type { FilePerson } from './person.ts'
import type { Problem, ReportedPerson } from './report.ts'

export interface ImportPlan {
  readonly creations: readonly FilePerson[]
  readonly updates: readonly PlannedUpdate[]
  readonly unchanged: number
  readonly missing: readonly PersonRecord[]
  readonly problems: readonly Problem[]
}

export interface PlannedUpdate {
  readonly line: number
  readonly person: PersonRecord
  readonly acts: readonly AccountAct[]
}

/** What a file of persons means for the accounts there are. Nobody is removed: who is not in the file is only named. */
export function planImport(file: readonly FilePerson[], accounts: readonly PersonRecord[]): ImportPlan {
  const byIdentifier = indexed(accounts, ({ identifier }) => identifier)
  const byEmail = indexed(accounts, ({ email }) => email)
  const [creations, updates, problems]: [FilePerson[], PlannedUpdate[], Problem[]] = [[], [], []]
  const named = new Set<PersonRecord>()
  const seen = new Seen()
  let unchanged = 0
  for (const person of file) {
    if (seen.before(person)) {
      problems.push({ line: person.line, code: 'twice', column: '' })
      continue
    }
    const known = [byIdentifier.get(person.identifier ?? ''), byEmail.get(person.email ?? '')]
    const [first, second] = known.filter((each) => each !== undefined)
    if (second !== undefined && second !== first) {
      problems.push({ line: person.line, code: 'conflict', column: '' })
      continue
    }
    if (first === undefined) {
      creations.push(person)
      continue
    }
    named.add(first)
    const acts = updatesOf(person, first)
    if (acts.length === 0) unchanged += 1
    else updates.push({ line: person.line, person: first, acts })
  }
  // Who was made one by one has neither, and is nobody's to miss.
  const imported = accounts.filter(
    ({ email, identifier, disabled }) => !disabled && (email ?? identifier) !== null,
  )
  return { creations, updates, unchanged, missing: imported.filter((each) => !named.has(each)), problems }
}

function indexed(
  accounts: readonly PersonRecord[],
  key: (person: PersonRecord) => string | null,
): ReadonlyMap<string, PersonRecord> {
  return new Map(
    accounts.flatMap((person) => {
      const value = key(person)
      return value === null ? [] : [[value, person] as const]
    }),
  )
}

/** Identifiers and addresses of the lines before. */
class Seen {
  readonly #identifiers = new Set<string>()
  readonly #emails = new Set<string>()

  before({ identifier, email }: FilePerson): boolean {
    const twice = this.#identifiers.has(identifier ?? '') || this.#emails.has(email ?? '')
    if (typeof identifier === 'string') this.#identifiers.add(identifier)
    if (typeof email === 'string') this.#emails.add(email)
    return twice
  }
}

function updatesOf(file: FilePerson, known: PersonRecord): readonly AccountAct[] {
  const { accountId } = known
  const profile = profileOf(file, known)
  const acts: AccountAct[] = []
  if (Object.entries(profile).some(([field, value]) => known[field as keyof Profile] !== value))
    acts.push({ kind: 'profile', accountId, profile })
  const role = file.role ?? known.role
  const open = file.expiresAt === undefined || (role === 'guest' && file.expiresAt === null)
  const expiresAt = open ? known.expiresAt : (file.expiresAt ?? null)
  // Who was given another role by hand keeps it, whatever the file says.
  const byHand = known.role !== 'member' && known.role !== 'guest'
  if (!byHand && (role !== known.role || expiresAt !== known.expiresAt))
    acts.push({ kind: 'role', accountId, role, expiresAt })
  if (file.hidden !== undefined && file.hidden !== known.hidden)
    acts.push({ kind: 'hide', accountId, hidden: file.hidden })
  return acts
}

/** What the file has no column for, or leaves empty where a person needs it, stays as it is. */
function profileOf(file: FilePerson, known: PersonRecord): Profile {
  return {
    displayName: file.displayName,
    title: file.title ?? known.title,
    service: file.service ?? known.service,
    organisation:
      file.organisation === undefined || file.organisation === '' ? known.organisation : file.organisation,
    email: file.email ?? known.email,
    identifier: file.identifier ?? known.identifier,
  }
}

export function reported(line: number, { accountId, displayName }: PersonRecord): ReportedPerson {
  return { line, accountId, name: displayName }
}
