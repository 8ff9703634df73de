import { setImmediate } from 'node:timers/promises'
import { CodedError } from '../../base/errors.ts'
import { rootOf, type JournalRow } from '../../journal/index.ts'
import { accountIdSchema } from '../../wire/http.ts'
import type { AccountAct, ActContext, ActOutcome, PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { ActVerification, type ActFinding } from '../store/verifyActs.ts'
import { allAccounts } from './importing.ts'
import { readRelayData } from './relayData.ts'
import { withStore } from './withStore.ts'

/**
 * Performs acts on accounts, all of them or none, beside a running relay, which hears of it within a second or two. Throws
 * `argument.invalid` (details: option) for an account or a device that there is not, `account.taken`, and the codes of
 * `readRelayData`.
 */
export async function administer(
  data: string,
  acts: readonly AccountAct[],
  context: ActContext,
): Promise<readonly ActOutcome[]> {
  await readRelayData(data)
  return withStore(data, async ({ people }) => performActs(people, acts, context))
}

/** The same over an open store. */
export async function performActs(
  people: RelayStore['people'],
  acts: readonly AccountAct[],
  context: ActContext,
): Promise<readonly ActOutcome[]> {
  const outcomes = await performed(people, acts, context)
  if (acts.some(({ kind }) => kind === 'remove')) await people.forget()
  return outcomes
}

async function performed(
  people: RelayStore['people'],
  acts: readonly AccountAct[],
  context: ActContext,
): Promise<readonly ActOutcome[]> {
  const outcomes = await people.apply(acts, context)
  const refused = outcomes.findIndex(({ kind }) => kind === 'unknown' || kind === 'taken')
  if (refused >= 0) throw refusalOf(acts[refused], outcomes[refused])
  return outcomes
}

function refusalOf(act: AccountAct | undefined, outcome: ActOutcome | undefined): CodedError {
  if (outcome?.kind === 'taken') return new CodedError('account.taken')
  return new CodedError('argument.invalid', { option: act?.kind === 'endDevice' ? 'device' : 'account' })
}

/** Throws `argument.invalid` for what is no id. */
export function checkedAccountId(given: string): string {
  const id = accountIdSchema.safeParse(given)
  if (!id.success) throw new CodedError('argument.invalid', { option: 'account' })
  return id.data
}

/** Throws `argument.invalid` when there is none. */
export async function knownPerson(
  { people }: Pick<RelayStore, 'people'>,
  accountId: string,
): Promise<PersonRecord> {
  const person = await people.find(accountId)
  if (person === null) throw new CodedError('argument.invalid', { option: 'account' })
  return person
}

/** Whoever writes to one of these accounts waits meanwhile. */
const revokedAtOnce = 100

/**
 * Ends all devices of an organisation and of what is under it, so many accounts in one transaction with its acts: when it
 * fails in the middle, what was ended stays so, and it is asked again. Throws `argument.invalid` when it has no account.
 */
export async function revokeOrganisation(
  data: string,
  organisation: string,
  context: ActContext,
): Promise<readonly ActOutcome[]> {
  await readRelayData(data)
  return withStore(data, async (store) => {
    const accounts = await allAccounts(store, organisation)
    if (accounts.length === 0) throw new CodedError('argument.invalid', { option: 'organisation' })
    const acts = accounts.map(({ accountId }) => ({ kind: 'endDevices', accountId }) as const)
    const outcomes: ActOutcome[] = []
    for (let at = 0; at < acts.length; at += revokedAtOnce)
      outcomes.push(...(await performed(store.people, acts.slice(at, at + revokedAtOnce), context)))
    return outcomes
  })
}

export interface ActsCheck {
  /** How many acts there are. */
  readonly count: number
  /** Empty: the chain is whole. */
  readonly findings: readonly ActFinding[]
  readonly root: Uint8Array
}

/** About 10 ms of work: a relay that serves meanwhile answers others in between. */
const rowsAtOnce = 250

/** The journal of administrative acts, checked row by row against what is kept of their chain; `taken` sees each. */
export async function checkActs(
  { acts }: Pick<RelayStore, 'acts'>,
  taken: (row: JournalRow) => void = () => undefined,
): Promise<ActsCheck> {
  // First: an act that is added meanwhile is then one row too many, which is left out.
  const state = await acts.state()
  const verification = new ActVerification()
  let count = 0
  while (count < state.size) {
    const rows = await acts.rows(count, Math.min(rowsAtOnce, state.size - count))
    if (rows.length === 0) break
    verification.take(rows)
    for (const row of rows) taken(row)
    count += rows.length
    await setImmediate()
  }
  return { count, findings: verification.end(state), root: rootOf(state) }
}
