import { toHex, fromBase64Url, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { isPrivileged } from '../accounts/standing.ts'
import type { BudgetLedger } from '../budgets/ledger.ts'
import type { AccountBudgets, BudgetName } from '../budgets/table.ts'
import { checkActs, knownPerson, performActs } from '../data/administration.ts'
import { acknowledgeIn, budgetUses, listedMax } from '../data/budgets.ts'
import { inviteAgain, inviteNew, type CreatedInvitation, type InvitingOptions } from '../data/invitations.ts'
import { listAccounts } from '../data/listing.ts'
import { plainAct } from '../data/plainAct.ts'
import type { RelayAnchors } from '../data/relayData.ts'
import type { AccountAct, ActContext, PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { rightsOf } from './rights.ts'
import type {
  AdminAnswer,
  AdminBody,
  AdminQuery,
  AdminRouteName,
  Overview,
  ShownAccount,
  ShownBudget,
  ShownSession,
} from './routes.ts'
import type { SecondFactor } from './secondFactor.ts'
import type { Session } from './sessions.ts'

/** What an invitation that is made on the page says of the relay. */
export type PageInviting = Pick<InvitingOptions, 'address' | 'certificate'>

export interface AdminHandlerDeps {
  readonly store: RelayStore
  readonly anchors: RelayAnchors
  readonly secondFactor: SecondFactor
  readonly table: AccountBudgets
  /** Null: invitations are made by the command alone. */
  readonly inviting: PageInviting | null
  readonly overview: () => Promise<Omit<Overview, 'openAlerts' | 'invites' | 'organisation'>>
  /** What accounts may read and do here, so that a stolen one neither lists nor ends everybody. */
  readonly ledger: Pick<BudgetLedger, 'spendUnasked'>
  /** Throws `relay.tooManyRequests` for who has the journal checked too often. */
  readonly checking: (accountId: string) => Promise<void>
  readonly clock: Clock
}

export interface AdminRequest<N extends AdminRouteName> {
  readonly query: AdminQuery<N>
  readonly body: AdminBody<N>
  /** Who has signed in; on the public routes nobody. */
  readonly person: PersonRecord
  /** Signs in whoever asks. */
  readonly open: (session: Session) => void
  readonly close: () => void
}

export type AdminHandlers = {
  readonly [N in AdminRouteName]: (request: AdminRequest<N>) => Promise<AdminAnswer<N>>
}

const actsAtOnce = 100

/** What is done on the page is done by the functions behind the commands, with the account that has signed in as actor. */
export function adminHandlers(deps: AdminHandlerDeps): AdminHandlers {
  const { store, secondFactor } = deps
  const as = ({ accountId }: PersonRecord): ActContext => ({
    by: { kind: 'account', name: accountId },
    now: deps.clock.now(),
  })
  const spend = async ({ accountId }: PersonRecord, budget: BudgetName): Promise<void> =>
    deps.ledger.spendUnasked({ accountId, deviceId: 0 }, budget)
  const looked = async (accountId: string, person: PersonRecord): Promise<PersonRecord> => {
    await spend(person, 'accountReads')
    const found = await knownPerson(store, accountId)
    await store.acts.append({ type: 'read.account', account: accountId }, as(person))
    return found
  }
  const limitsOf = async (accountId: string): Promise<ShownBudget[]> => {
    const uses = await budgetUses(store, accountId, deps.clock.now())
    return uses.map(({ budget, used, allowance, set, windowMs }) => ({
      budget,
      used,
      ...allowance,
      set,
      windowMs,
    }))
  }
  const perform = async (act: AccountAct, person: PersonRecord): Promise<{ readonly done: number }> => {
    await spend(person, 'accountActs')
    const outcomes = await performActs(store.people, [act], as(person))
    return { done: outcomes.filter(({ kind }) => kind === 'done').length }
  }
  const check = oneAtATime(async () => {
    const { count, findings, root } = await checkActs(store)
    return { whole: findings.length === 0, count, root: toHex(root) }
  })
  return {
    beginRegistration: async ({ body }) => secondFactor.beginRegistration(linkOf(body.link)),
    finishRegistration: async ({ body }) => {
      const { displayName } = await secondFactor.finishRegistration(linkOf(body.link), body.credential)
      return { displayName }
    },
    beginSignIn: async () => secondFactor.beginSignIn(),
    finishSignIn: async ({ body, open }) => {
      const { person, credentialId } = await secondFactor.signIn(body.credential)
      open({ accountId: person.accountId, credentialId })
      return sessionOf(person)
    },
    stepUp: async ({ body }) => {
      const { accountId, deviceId, budget, endsAt } = await secondFactor.asked(stepUpOf(body.stepUp))
      const devices = (await store.devices.list(accountId))?.devices ?? []
      const lastSeenDay = devices.find((device) => device.deviceId === deviceId)?.lastSeenDay ?? 0
      return { deviceId, lastSeenDay, budget, windowMs: deps.table[budget].windowMs, endsAt }
    },
    beginStepUp: async ({ body }) => secondFactor.beginStepUp(stepUpOf(body.stepUp)),
    finishStepUp: async ({ body }) => {
      const { displayName } = await secondFactor.stepUp(stepUpOf(body.stepUp), body.credential)
      return { displayName }
    },
    session: async ({ person }) => sessionOf(person),
    signOut: async ({ close }) => {
      close()
      return {}
    },
    overview: async () => ({
      ...(await deps.overview()),
      organisation: deps.anchors.organisation,
      openAlerts: (await store.alerts.list({ openOnly: true, limit: listedMax })).length,
      invites: deps.inviting !== null,
    }),
    journal: async ({ query }) => {
      const { size } = await store.acts.state()
      const end = Math.min(query.before ?? size, size)
      const start = Math.max(0, end - actsAtOnce)
      const rows = end === start ? [] : await store.acts.rows(start, end - start)
      return { acts: rows.map(plainAct).toReversed() }
    },
    journalCheck: async ({ person }) => {
      await deps.checking(person.accountId)
      return check()
    },
    alerts: async ({ query }) => ({
      alerts: [...(await store.alerts.list({ openOnly: query.all !== 'true', limit: listedMax }))],
    }),
    acknowledgeAlert: async ({ body, person }) => {
      const open = await store.alerts.list({ openOnly: true, limit: listedMax })
      const alert = open.find(({ id }) => id === body.id)
      // What is not among those is shown nowhere.
      if (alert === undefined) throw new CodedError('request.malformed')
      checkOther(alert.accountId, person)
      return { done: await acknowledgeIn(store.alerts, body.id, body.reason, as(person)) }
    },
    budgets: async ({ query, person }) => {
      const { accountId } = await looked(query.accountId, person)
      return { budgets: await limitsOf(accountId) }
    },
    resetBudget: async ({ body, person }) => {
      checkOther(body.accountId, person)
      await knownPerson(store, body.accountId)
      await spend(person, 'accountActs')
      await store.budgets.reset(body.accountId, body.budget, body.reason, as(person))
      return {}
    },
    accounts: async ({ query, person }) => {
      await spend(person, 'accountLists')
      const { shown, total } = await listAccounts(store, { name: query.name }, as(person))
      return { accounts: shown.map(accountOf), total }
    },
    account: async ({ query, person }) => {
      const account = accountOf(await looked(query.accountId, person))
      const devices = (await store.devices.list(query.accountId))?.devices ?? []
      const credentials = await store.credentials.list(query.accountId)
      return {
        account,
        devices: devices.map(({ deviceId, addedAt, lastSeenDay }) => ({ deviceId, addedAt, lastSeenDay })),
        secondFactors: credentials.length,
        budgets: await limitsOf(query.accountId),
      }
    },
    endDevices: async ({ body: { accountId, deviceId }, person }) =>
      perform(
        deviceId === undefined
          ? { kind: 'endDevices', accountId }
          : { kind: 'endDevice', accountId, deviceId },
        person,
      ),
    disableAccount: async ({ body, person }) => perform({ kind: 'disable', ...body }, person),
    enableAccount: async ({ body, person }) => perform({ kind: 'enable', ...body }, person),
    inviteMember: async ({ body, person }) => {
      await spend(person, 'accountInvites')
      const { name, ...more } = body
      const given = { name, ...withoutEmpty(more) }
      return invitationOf(await inviteNew(store, deps.anchors, { ...invitingOf(deps), ...given }, as(person)))
    },
    inviteAgain: async ({ body, person }) => {
      const { role } = await knownPerson(store, body.accountId)
      // Whoever uses the invitation takes the account over: for those of the page it is made by the command.
      if (isPrivileged(role)) throw new CodedError('admin.forbidden')
      await spend(person, 'accountInvites')
      const options = { ...invitingOf(deps), account: body.accountId }
      return invitationOf(await inviteAgain(store, deps.anchors, options, as(person)))
    },
  }
}

/** Nobody undoes what limits, or tells of, the own account. */
function checkOther(accountId: string, person: PersonRecord): void {
  if (accountId === person.accountId) throw new CodedError('admin.forbidden')
}

/** One at a time, whoever asks: who comes meanwhile gets the same answer. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return async () => {
    running ??= work().finally(() => (running = null))
    return running
  }
}

function linkOf(text: string): Bytes {
  const link = fromBase64Url(text)
  if (link === null) throw new CodedError('factor.link')
  return link
}

function stepUpOf(text: string): Bytes {
  const id = fromBase64Url(text)
  if (id === null) throw new CodedError('factor.stepUp')
  return id
}

function invitingOf({ inviting, clock }: AdminHandlerDeps): Omit<InvitingOptions, 'data'> {
  if (inviting === null) throw new CodedError('admin.byCommand')
  return { ...inviting, clock }
}

function invitationOf({ accountId, text, code, expiresAt }: CreatedInvitation): AdminAnswer<'inviteAgain'> {
  return { accountId, text, code, expiresAt }
}

function sessionOf({ accountId, displayName, role }: PersonRecord): ShownSession {
  return { accountId, displayName, role, rights: [...rightsOf(role)] }
}

function accountOf(person: PersonRecord): ShownAccount {
  const { accountId, displayName, title, service, organisation, email, identifier, role } = person
  const { disabled, hidden, expiresAt, enrolledAt, devices } = person
  const shown = { accountId, displayName, title, service, organisation, email, identifier, role }
  return { ...shown, disabled, hidden, expiresAt, enrolledAt, devices }
}

/** A field that was left empty was not filled in. */
function withoutEmpty<T extends Readonly<Record<string, string | undefined>>>(
  fields: T,
): { [K in keyof T]?: string } {
  const filled = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  // The same keys, of which those without a value are left out.
  return Object.fromEntries(filled) as { [K in keyof T]?: string }
}
