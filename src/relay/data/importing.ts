import { randomUUID } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import { systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8 } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { codesFile, type IssuedCode } from '../accounts/import/codesFile.ts'
import type { FilePerson } from '../accounts/import/person.ts'
import { planImport, reported, type ImportPlan } from '../accounts/import/plan.ts'
import { readPeopleFile, type ReadFile } from '../accounts/import/readFile.ts'
import type { ImportReport } from '../accounts/import/report.ts'
import type { AccountAct, PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { operatorContext } from './actor.ts'
import { invitationDrafts, type InvitationDraft, type InvitingOptions } from './invitations.ts'
import { readRelayData } from './relayData.ts'
import { withStore } from './withStore.ts'

export interface ImportOptions extends Omit<InvitingOptions, 'address'> {
  readonly bytes: Uint8Array
  /** Left out: nothing is changed, whatever the file says. */
  readonly apply?: {
    readonly address: string
    /** Gets the codes of new accounts, for the owner alone; must not exist yet. */
    readonly codes: string
    /** Imports what has no error. */
    readonly skipBad: boolean
    /** Members and guests whom the file does not name are disabled; nothing is done where the file has any error or no person. */
    readonly disableMissing: boolean
  }
}

export interface Imported {
  readonly report: ImportReport
  readonly codes: readonly IssuedCode[]
  /** False: for the file's errors nothing was imported, or it was not asked for. */
  readonly applied: boolean
}

/**
 * Brings the accounts in line with a file of persons: all of it in one transaction, or nothing. Works beside a running
 * relay, which waits for that transaction; about two seconds for 20,000 new accounts. Throws as `createInvitation` does.
 */
export async function importPeople(options: ImportOptions): Promise<Imported> {
  const { anchors } = await readRelayData(options.data)
  const { apply } = options
  const draft = apply === undefined ? null : invitationDrafts({ ...options, address: apply.address }, anchors)
  return withStore(options.data, async (store) => {
    const file = readPeopleFile(options.bytes, await store.people.domains())
    const plan = planImport(file.persons, await allAccounts(store))
    const faulty = file.problems.length + plan.problems.length > 0
    if (
      apply === undefined ||
      draft === null ||
      file.useless ||
      isRefused(apply, faulty, file.persons.length)
    )
      return { report: reportOf(file, plan, [], []), codes: [], applied: false }
    const disabled = apply.disableMissing ? plan.missing : []
    const created = plan.creations.map((person) => creation(person, draft(), anchors.organisation))
    const acts = [
      ...created.map(({ act }) => act),
      ...plan.updates.flatMap((update) => update.acts),
      ...disabled.map(disabling),
    ]
    const codes = created.map(({ code }) => code)
    await applied(store, acts, codes, apply.codes, options)
    return { report: reportOf(file, plan, codes, disabled), codes, applied: true }
  })
}

/** Who is in a line that cannot be read is not missing. */
function isRefused(
  { skipBad, disableMissing }: NonNullable<ImportOptions['apply']>,
  faulty: boolean,
  persons: number,
): boolean {
  return disableMissing ? faulty || persons === 0 : faulty && !skipBad
}

/** Codes are on disk before the accounts are made: what is stored of a code does not give it back. */
async function applied(
  store: RelayStore,
  acts: readonly AccountAct[],
  codes: readonly IssuedCode[],
  target: string,
  options: ImportOptions,
): Promise<void> {
  if (codes.length > 0) await writeCodes(target, codes)
  // Without codes this run wrote nothing: what lies there is of an earlier one.
  const forget = async (): Promise<void> => (codes.length > 0 ? rm(target, { force: true }) : undefined)
  const outcomes = await store.people.apply(acts, operatorContext(options.clock)).catch(async (thrown) => {
    await forget()
    throw thrown
  })
  if (outcomes.every(({ kind }) => kind === 'done' || kind === 'unchanged')) return
  await forget()
  throw new CodedError('account.taken')
}

async function writeCodes(target: string, codes: readonly IssuedCode[]): Promise<void> {
  if (await isThere(target)) throw new CodedError('argument.invalid', { option: 'codes' })
  try {
    await writeFileAtomically(target, utf8(codesFile(codes)))
  } catch (thrown) {
    if (!(thrown instanceof CodedError) && systemCode(thrown) === null) throw thrown
    throw new CodedError('argument.invalid', { option: 'codes' }, { cause: thrown })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === null) throw thrown
    return false
  }
}

function creation(
  person: FilePerson,
  draft: InvitationDraft,
  organisation: string,
): { readonly act: AccountAct; readonly code: IssuedCode } {
  const accountId = randomUUID()
  const { line, displayName, email = null, identifier = null } = person
  const profile = {
    displayName,
    title: person.title ?? '',
    service: person.service ?? '',
    organisation: person.organisation ?? organisation,
    email,
    identifier,
  }
  return {
    act: {
      kind: 'create',
      accountId,
      profile,
      role: person.role ?? 'member',
      expiresAt: person.expiresAt ?? null,
      hidden: person.hidden ?? false,
      invitation: draft.stored,
    },
    code: { line, accountId, name: displayName, email, identifier, ...draft.given },
  }
}

function disabling({ accountId }: PersonRecord): AccountAct {
  return { kind: 'disable', accountId }
}

const pageSize = 5_000

export async function allAccounts(
  { people }: Pick<RelayStore, 'people'>,
  within: string | null = null,
): Promise<readonly PersonRecord[]> {
  const accounts: PersonRecord[] = []
  for await (const page of accountPages({ people }, within, pageSize)) accounts.push(...page)
  return accounts
}

export async function* accountPages(
  { people }: Pick<RelayStore, 'people'>,
  within: string | null,
  size: number,
): AsyncGenerator<readonly PersonRecord[]> {
  for (let after: string | null = null; ;) {
    const page: readonly PersonRecord[] = await people.page(after, size, within)
    yield page
    if (page.length < size) return
    after = page.at(-1)?.accountId ?? null
  }
}

function reportOf(
  file: ReadFile,
  plan: ImportPlan,
  codes: readonly IssuedCode[],
  disabled: readonly PersonRecord[],
): ImportReport {
  const { form, persons, ignored } = file
  const planned = plan.creations.map(({ line, displayName }) => ({ line, accountId: '', name: displayName }))
  return {
    form,
    persons: persons.length,
    created:
      codes.length > 0 ? codes.map(({ line, accountId, name }) => ({ line, accountId, name })) : planned,
    updated: plan.updates.map(({ line, person }) => reported(line, person)),
    unchanged: plan.unchanged,
    missing: file.useless ? 0 : plan.missing.length,
    disabled: disabled.map((person) => reported(0, person)),
    problems: [...file.problems, ...plan.problems].toSorted((a, b) => a.line - b.line),
    ignored,
  }
}
