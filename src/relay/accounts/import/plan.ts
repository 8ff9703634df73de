import type { AccountAct, PersonRecord, Profile } from '../../store/peopleStore.ts'
import type { FilePerson } from './person.ts'
import type { Problem, ProblemCode, ReportedPerson } from './report.ts'

export interface ImportPlan {
  readonly creations: readonly FilePerson[]
  readonly updates: readonly PlannedUpdate[]
  readonly unchanged: number
  /** Whom the file does not name. Not to be relied on where the file has problems: a person may be in such a line. */
  readonly missing: readonly PersonRecord[]
  readonly problems: readonly Problem[]
}

export interface PlannedUpdate {
  readonly line: number
  readonly person: PersonRecord
  readonly acts: readonly AccountAct[]
}

/** What a file of persons means for the accounts there are. Nobody is removed. */
export function planImport(file: readonly FilePerson[], accounts: readonly PersonRecord[]): ImportPlan {
  const byIdentifier = indexed(accounts, ({ identifier }) => identifier)
  const byEmail = indexed(accounts, ({ email }) => email)
  const [creations, updates, problems]: [FilePerson[], PlannedUpdate[], Problem[]] = [[], [], []]
  const named = new Set<PersonRecord>()
  const seen = new Seen()
  let unchanged = 0
  for (const person of file) {
    const [byNumber, byAddress] = [byIdentifier.get(person.identifier ?? ''), byEmail.get(person.email ?? '')]
    const known = byNumber ?? byAddress
    const code = seen.before(person) ? 'twice' : problemOf(person, byNumber, byAddress)
    if (code !== null) {
      problems.push({ line: person.line, code, column: '' })
      continue
    }
    if (known === undefined) {
      creations.push(person)
      continue
    }
    named.add(known)
    const acts = updatesOf(person, known)
    if (acts.length === 0) unchanged += 1
    else updates.push({ line: person.line, person: known, acts })
  }
  const missing = accounts.filter((each) => canBeMissing(each) && !named.has(each))
  return { creations, updates, unchanged, missing, problems }
}

/** Who has neither address nor identifier can be in no file, and other roles are given by hand, not by a file. */
function canBeMissing(person: PersonRecord): boolean {
  return !person.disabled && (person.email ?? person.identifier) !== null && !hasRoleByHand(person)
}

function hasRoleByHand({ role }: PersonRecord): boolean {
  return role !== 'member' && role !== 'guest'
}

function problemOf(
  person: FilePerson,
  byNumber: PersonRecord | undefined,
  byAddress: PersonRecord | undefined,
): ProblemCode | null {
  if (byNumber !== undefined && byAddress !== undefined && byNumber !== byAddress) return 'conflict'
  // An address that was given anew must not hand an account, with its devices, to somebody else.
  const other = byAddress?.identifier ?? person.identifier
  if (person.identifier !== undefined && other !== person.identifier) return 'conflict'
  const known = byNumber ?? byAddress
  const endless = (person.expiresAt ?? known?.expiresAt ?? null) === null
  return person.role === 'guest' && endless ? 'expiry' : null
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
  const expiresAt = file.expiresAt ?? known.expiresAt
  // Who was given another role by hand keeps it, whatever the file says.
  if (!hasRoleByHand(known) && (role !== known.role || expiresAt !== known.expiresAt))
    acts.push({ kind: 'role', accountId, role, expiresAt })
  if (file.hidden !== undefined && file.hidden !== known.hidden)
    acts.push({ kind: 'hide', accountId, hidden: file.hidden })
  return acts
}

/** What the file has no column for, or leaves empty, stays as it is. */
function profileOf(file: FilePerson, known: PersonRecord): Profile {
  return {
    displayName: file.displayName,
    title: file.title ?? known.title,
    service: file.service ?? known.service,
    organisation: file.organisation ?? known.organisation,
    email: file.email ?? known.email,
    identifier: file.identifier ?? known.identifier,
  }
}

export function reported(line: number, { accountId, displayName }: PersonRecord): ReportedPerson {
  return { line, accountId, name: displayName }
}
