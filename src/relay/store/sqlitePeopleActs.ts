import Database from 'better-sqlite3'
import { exhausted } from '../../base/exhaustive.ts'
import { isPrivileged } from '../accounts/standing.ts'
import { uuidBytes } from './accountRows.ts'
import { foldText } from './foldText.ts'
import type { AccountAct, ActContext, ActEvent, ActOutcome, Profile } from './peopleStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { noteAccount } from './sqliteChanges.ts'
import { bump, removeDevice, removeDevices } from './sqliteDevices.ts'
import { accountInserter, invitationInserter } from './sqliteInvitations.ts'
import { searchText } from './listing.ts'
import { relist, unlist } from './sqliteListing.ts'
import type { SqliteDatabase } from './sqliteOpen.ts'

/** Null: nothing was to be done. */
type Performed = Pick<ActEvent, 'type' | 'detail'> | null

/** Ends the transaction without a trace. */
class Undone extends Error {}

/** All acts in one transaction; a later one sees what an earlier one did. */
export function applyActs(
  db: SqliteDatabase,
  acts: readonly AccountAct[],
  context: ActContext,
  write: ActWriter,
): readonly ActOutcome[] {
  const performer = new Performer(db, context.now)
  const outcomes: ActOutcome[] = []
  const work = db.transaction(() => {
    for (const act of acts) outcomes.push({ kind: one(performer, act, (event) => write(event, context)) })
    if (outcomes.some(({ kind }) => kind === 'unknown' || kind === 'taken')) throw new Undone()
  })
  try {
    work.immediate()
  } catch (thrown) {
    if (!(thrown instanceof Undone)) throw thrown
  }
  return outcomes
}

function one(performer: Performer, act: AccountAct, write: (event: ActEvent) => void): ActOutcome['kind'] {
  try {
    const performed = performer.perform(act)
    if (performed === 'unknown') return 'unknown'
    if (performed === null) return 'unchanged'
    write({ ...performed, ...(act.kind === 'domain' ? {} : { account: act.accountId }) })
    return 'done'
  } catch (thrown) {
    if (thrown instanceof Database.SqliteError && thrown.code === 'SQLITE_CONSTRAINT_UNIQUE') return 'taken'
    throw thrown
  }
}

class Performer {
  readonly #db: SqliteDatabase
  readonly #now: number
  readonly #number
  readonly #insertAccount
  readonly #insertInvitation
  readonly #complete

  constructor(db: SqliteDatabase, now: number) {
    this.#db = db
    this.#now = now
    this.#insertAccount = accountInserter(db)
    this.#insertInvitation = invitationInserter(db)
    this.#complete = db.prepare(
      'UPDATE accounts SET role = ?, expires_at = ?, hidden = ?, email = ?, identifier = ? WHERE id = ?',
    )
    this.#number = db.prepare<[Uint8Array], { id: number }>('SELECT id FROM accounts WHERE account_id = ?')
  }

  perform(act: AccountAct): Performed | 'unknown' {
    if (act.kind === 'domain') return this.#domain(act.domain, act.allowed)
    if (act.kind === 'create') return this.#create(act)
    const account = this.#number.get(uuidBytes(act.accountId))?.id
    return account === undefined ? 'unknown' : this.#on(account, act)
  }

  #on(
    account: number,
    act: Exclude<AccountAct, { readonly kind: 'domain' | 'create' }>,
  ): Performed | 'unknown' {
    switch (act.kind) {
      case 'invite':
        this.#insertInvitation(account, act.invitation)
        return { type: 'account.invited' }
      case 'profile':
        return this.#describe(account, act.profile) ? { type: 'account.profile' } : null
      case 'role': {
        const changed = this.#set(account, 'role', act.role) | this.#set(account, 'expires_at', act.expiresAt)
        if (changed === 0) return null
        if (isPrivileged(act.role)) this.#endInvitations(account)
        return { type: 'account.role', detail: act.role }
      }
      case 'hide':
        if (this.#set(account, 'hidden', act.hidden ? 1 : 0) === 0) return null
        relist(this.#db, account)
        return { type: act.hidden ? 'account.hidden' : 'account.shown' }
      case 'disable':
        return this.#disable(account) ? { type: 'account.disabled' } : null
      case 'enable':
        if (this.#set(account, 'disabled_at', null) === 0) return null
        relist(this.#db, account)
        return { type: 'account.enabled' }
      case 'remove':
        this.#remove(account)
        return { type: 'account.removed' }
      case 'endDevices':
        return this.#endDevices(account) ? { type: 'devices.ended' } : null
      case 'endDevice':
        if (removeDevice(this.#db, account, act.deviceId) === null) return 'unknown'
        bump(this.#db, account)
        return { type: 'device.ended', detail: act.deviceId }
      default:
        return exhausted(act)
    }
  }

  #create(act: Extract<AccountAct, { kind: 'create' }>): Performed {
    const { profile, role, expiresAt, hidden } = act
    const account = this.#insertAccount({ accountId: act.accountId, ...profile })
    this.#complete.run(role, expiresAt, hidden ? 1 : 0, profile.email, profile.identifier, account)
    this.#insertInvitation(account, act.invitation)
    return { type: 'account.created', detail: role }
  }

  #describe(account: number, profile: Profile): boolean {
    const columns = [
      ['display_name', profile.displayName],
      ['title', profile.title],
      ['service', profile.service],
      ['organisation', profile.organisation],
      ['email', profile.email],
      ['identifier', profile.identifier],
      ['sort_key', foldText(profile.displayName)],
      ['search_text', searchText(profile)],
    ] as const
    let changed = 0
    for (const [column, value] of columns) changed += this.#set(account, column, value)
    if (changed > 0) relist(this.#db, account)
    return changed > 0
  }

  /** 1 where the value was another one. */
  #set(account: number, column: string, value: string | number | null): number {
    return this.#db
      .prepare(`UPDATE accounts SET ${column} = ? WHERE id = ? AND ${column} IS NOT ?`)
      .run(value, account, value).changes
  }

  #disable(account: number): boolean {
    const { changes } = this.#db
      .prepare('UPDATE accounts SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL')
      .run(this.#now, account)
    if (changes === 0) return false
    relist(this.#db, account)
    noteAccount(this.#db, account, 'accountDisabled')
    return true
  }

  #remove(account: number): void {
    removeDevices(this.#db, account)
    unlist(this.#db, account)
    this.#db.prepare('DELETE FROM accounts WHERE id = ?').run(account)
  }

  #endDevices(account: number): boolean {
    const removed = removeDevices(this.#db, account)
    const invitations = this.#endInvitations(account)
    if (removed.length > 0) bump(this.#db, account)
    return removed.length + invitations > 0
  }

  #endInvitations(account: number): number {
    return this.#db.prepare('DELETE FROM invitations WHERE account = ? AND used_by IS NULL').run(account)
      .changes
  }

  #domain(domain: string, allowed: boolean): Performed {
    const sql = allowed
      ? 'INSERT INTO email_domains VALUES (?) ON CONFLICT DO NOTHING'
      : 'DELETE FROM email_domains WHERE domain = ?'
    if (this.#db.prepare(sql).run(domain).changes === 0) return null
    return { type: allowed ? 'domain.allowed' : 'domain.refused', detail: domain }
  }
}
