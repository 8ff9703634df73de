import { exhausted } from '../../../base/exhaustive.ts'
import { isPrivileged } from '../../accounts/standing.ts'
import { foldText } from '../foldText.ts'
import { searchText } from '../listing.ts'
import type {
  AccountAct,
  ActContext,
  ActEvent,
  ActOutcome,
  InvitationTerms,
  Profile,
} from '../peopleStore.ts'
import type { Database, Transaction } from './database.ts'
import { lockAccounts } from './pgAccess.ts'
import { actWriter } from './pgActs.ts'
import { noteAccount } from './pgChanges.ts'
import { bumped, removeAllDevices, removeDevice } from './pgDevices.ts'
import { Creations } from './pgCreations.ts'
import { invite } from './pgInvitations.ts'
import { relist } from './pgListing.ts'
import { list, statement } from './statement.ts'

/** Null: nothing was to be done. */
type Performed = Pick<ActEvent, 'type' | 'detail'> | 'unknown' | 'taken' | null

/** Ends the transaction without a trace. */
class Undone extends Error {
  readonly outcomes: readonly ActOutcome[]

  constructor(outcomes: readonly ActOutcome[]) {
    super('undone')
    this.outcomes = outcomes
  }
}

const findAccount = statement<{ readonly id: number }>('SELECT id FROM accounts WHERE account_id = $1')
const findTaken = statement(
  `SELECT 1 FROM accounts WHERE account_id <> $1 AND (email = $2 OR identifier = $3)`,
)
const findCode = statement('SELECT 1 FROM invitations WHERE code_hash = $1')
const setProfile = statement<{ readonly id: number }>(
  `UPDATE accounts SET display_name = $1, title = $2, service = $3, organisation = $4, email = $5, identifier = $6,
          sort_key = $7, search_text = $8
   WHERE id = $9 AND (display_name, title, service, organisation, email, identifier) IS DISTINCT FROM
     ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text) RETURNING id`,
)
const setRole = statement(
  `UPDATE accounts SET role = $1, expires_at = $2
   WHERE id = $3 AND (role, expires_at) IS DISTINCT FROM ($1::text, $2::bigint) RETURNING id`,
)
const setHidden = statement('UPDATE accounts SET hidden = $1 WHERE id = $2 AND hidden <> $1 RETURNING id')
const disable = statement(
  'UPDATE accounts SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL RETURNING id',
)
const enable = statement(
  'UPDATE accounts SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL RETURNING id',
)
const removeAccount = statement('DELETE FROM accounts WHERE id = $1')
const endInvitations = statement(
  'DELETE FROM invitations WHERE account = $1 AND used_by IS NULL RETURNING id',
)
const allowDomain = statement('INSERT INTO email_domains VALUES ($1) ON CONFLICT DO NOTHING RETURNING domain')
const refuseDomain = statement('DELETE FROM email_domains WHERE domain = $1 RETURNING domain')

/** All acts in one transaction; a later one sees what an earlier one did. */
export async function applyActs(
  db: Database,
  acts: readonly AccountAct[],
  context: ActContext,
): Promise<readonly ActOutcome[]> {
  try {
    return await db.atomically(async (tx) => {
      const outcomes = await performAll(tx, acts, context)
      if (outcomes.some(({ kind }) => kind === 'unknown' || kind === 'taken')) throw new Undone(outcomes)
      return outcomes
    })
  } catch (thrown) {
    if (thrown instanceof Undone) return thrown.outcomes
    throw thrown
  }
}

async function performAll(
  tx: Transaction,
  acts: readonly AccountAct[],
  context: ActContext,
): Promise<ActOutcome[]> {
  const accounts = acts.flatMap((act) => (act.kind === 'domain' ? [] : [act.accountId]))
  tx.send(lockAccounts, list(new Set(accounts)), '{}')
  const journal = await actWriter(tx)
  const creations = await Creations.of(tx, acts)
  const outcomes: ActOutcome[] = []
  const events: ActEvent[] = []
  for (const act of acts) {
    const performed = await perform(tx, creations, act, context.now)
    if (performed === 'unknown' || performed === 'taken') outcomes.push({ kind: performed })
    else if (performed === null) outcomes.push({ kind: 'unchanged' })
    else {
      events.push({ ...performed, ...(act.kind === 'domain' ? {} : { account: act.accountId }) })
      outcomes.push({ kind: 'done' })
    }
  }
  creations.flush()
  journal.writeAll(events, context)
  return outcomes
}

async function perform(
  tx: Transaction,
  creations: Creations,
  act: AccountAct,
  now: number,
): Promise<Performed> {
  if (act.kind === 'create')
    return creations.perform(act) ? { type: 'account.created', detail: act.role } : 'taken'
  creations.flush()
  if (act.kind === 'domain') {
    const changed = await tx.rows(act.allowed ? allowDomain : refuseDomain, act.domain)
    if (changed.length === 0) return null
    return { type: act.allowed ? 'domain.allowed' : 'domain.refused', detail: act.domain }
  }
  const [account] = await tx.rows(findAccount, act.accountId)
  if (account === undefined) return 'unknown'
  if (act.kind === 'profile') creations.described(act.profile)
  return on(tx, account.id, act, now)
}

async function on(
  tx: Transaction,
  account: number,
  act: Exclude<AccountAct, { readonly kind: 'domain' | 'create' }>,
  now: number,
): Promise<Performed> {
  switch (act.kind) {
    case 'invite':
      if (await isCodeTaken(tx, act.invitation)) return 'taken'
      invite(tx, account, act.invitation)
      return { type: 'account.invited' }
    case 'profile':
      if (await isTaken(tx, act.accountId, act.profile)) return 'taken'
      return (await describe(tx, account, act.profile)) ? { type: 'account.profile' } : null
    case 'role': {
      const changed = await tx.rows(setRole, act.role, act.expiresAt, account)
      if (changed.length === 0) return null
      if (isPrivileged(act.role)) await tx.rows(endInvitations, account)
      return { type: 'account.role', detail: act.role }
    }
    case 'hide':
      if ((await tx.rows(setHidden, act.hidden, account)).length === 0) return null
      await relist(tx, account)
      return { type: act.hidden ? 'account.hidden' : 'account.shown' }
    case 'disable':
      if ((await tx.rows(disable, now, account)).length === 0) return null
      await relist(tx, account)
      noteAccount(tx, account, 'accountDisabled')
      return { type: 'account.disabled' }
    case 'enable':
      if ((await tx.rows(enable, account)).length === 0) return null
      await relist(tx, account)
      return { type: 'account.enabled' }
    case 'remove':
      await removeAllDevices(tx, account)
      tx.send(removeAccount, account)
      return { type: 'account.removed' }
    case 'endDevices':
      return (await endDevices(tx, account)) ? { type: 'devices.ended' } : null
    case 'endDevice':
      if ((await removeDevice(tx, account, act.deviceId)) === null) return 'unknown'
      await bumped(tx, account)
      return { type: 'device.ended', detail: act.deviceId }
    default:
      return exhausted(act)
  }
}

/** What another process takes in this moment makes the insert fail; done again, it is found here. */
async function isTaken(tx: Transaction, accountId: string, profile: Profile): Promise<boolean> {
  return (await tx.rows(findTaken, accountId, profile.email, profile.identifier)).length > 0
}

async function isCodeTaken(tx: Transaction, { codeHash }: InvitationTerms): Promise<boolean> {
  return (await tx.rows(findCode, codeHash)).length > 0
}

async function describe(tx: Transaction, account: number, profile: Profile): Promise<boolean> {
  const { displayName, title, service, organisation, email, identifier } = profile
  const given = [displayName, title, service, organisation, email, identifier] as const
  const folded = [foldText(displayName), searchText(profile)] as const
  if ((await tx.rows(setProfile, ...given, ...folded, account)).length === 0) return false
  await relist(tx, account)
  return true
}

async function endDevices(tx: Transaction, account: number): Promise<boolean> {
  const removed = await removeAllDevices(tx, account)
  const ended = await tx.rows(endInvitations, account)
  if (removed.length > 0) await bumped(tx, account)
  return removed.length + ended.length > 0
}
