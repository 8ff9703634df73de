import { z } from 'zod'
import { accountIdSchema } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { accountRoles } from '../accounts/standing.ts'
import { budgetNames } from '../budgets/table.ts'
import { adminPaths } from './paths.ts'
import { rights, type Right } from './rights.ts'

/** What the administrator's page asks of the relay. One more route: its entry here, its handler in `handlers.ts`. */

const base64Url = (bytes: number): z.ZodString =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(Math.ceil((bytes * 4) / 3))
const credentialId = base64Url(1023)
const text = z.string().max(1_000)
const time = z.int().min(0)

export const creationOptionsSchema = z.object({
  rp: z.object({ id: z.string().optional(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  challenge: z.string(),
  pubKeyCredParams: z.array(z.object({ alg: z.int(), type: z.literal('public-key') })),
  timeout: z.int().optional(),
  attestation: z.literal('none').optional(),
  excludeCredentials: z.array(z.object({ id: z.string(), type: z.literal('public-key') })).optional(),
  authenticatorSelection: z
    .object({
      residentKey: z.literal('required'),
      requireResidentKey: z.literal(true).optional(),
      userVerification: z.literal('required'),
    })
    .optional(),
})
export type CreationOptions = z.output<typeof creationOptionsSchema>

export const requestOptionsSchema = z.object({
  rpId: z.string().optional(),
  challenge: z.string(),
  timeout: z.int().optional(),
  userVerification: z.literal('required').optional(),
})
export type RequestOptions = z.output<typeof requestOptionsSchema>

/** A browser says more of a credential than is looked at here. */
const createdCredential = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal('public-key'),
  response: z.object({ clientDataJSON: base64Url(4_096), attestationObject: base64Url(16_384) }),
})
export type CreatedCredential = z.output<typeof createdCredential>

const signedCredential = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: base64Url(4_096),
    authenticatorData: base64Url(4_096),
    signature: base64Url(1_024),
    userHandle: base64Url(64).optional(),
  }),
})
export type SignedCredential = z.output<typeof signedCredential>

const link = base64Url(32).length(43)
const stepUp = base64Url(16).length(22)
const ofStepUp = z.strictObject({ stepUp })
const nothing = z.strictObject({})
const role = z.enum(accountRoles)
const budget = z.enum(budgetNames)
/** One line: it goes into the journal. */
const reason = z.string().regex(/^\P{Cc}{1,200}$/u)
const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u)
const ofAccount = z.strictObject({ accountId: accountIdSchema })

const account = z.strictObject({
  accountId: accountIdSchema,
  displayName: text,
  title: text,
  service: text,
  organisation: text,
  email: text.nullable(),
  identifier: text.nullable(),
  role,
  disabled: z.boolean(),
  hidden: z.boolean(),
  expiresAt: time.nullable(),
  enrolledAt: time.nullable(),
  devices: z.int().min(0),
})
export type ShownAccount = z.output<typeof account>

const budgetUse = z.strictObject({
  budget,
  used: z.int(),
  soft: z.int(),
  hard: z.int(),
  set: z.boolean(),
  windowMs: z.int(),
})
export type ShownBudget = z.output<typeof budgetUse>

const alert = z.strictObject({
  id: z.int(),
  at: time,
  accountId: accountIdSchema,
  deviceId: z.int(),
  budget,
  kind: z.enum(['soft', 'hard']),
  level: z.enum(['device', 'account']),
  used: z.int(),
  limit: z.int(),
  acknowledgedAt: time.nullable(),
  reason: text,
})
export type ShownAlert = z.output<typeof alert>

const act = z.strictObject({
  seq: z.int().min(0),
  time,
  type: text,
  actor: text,
  by: text.optional(),
  account: text.optional(),
  detail: z.union([text, z.number()]).optional(),
  erased: z.literal(true).optional(),
})
export type ShownAct = z.output<typeof act>

const certificate = z.strictObject({ startsAt: time, endsAt: time, problem: text.nullable() })
const overview = z.strictObject({
  organisation: text,
  version: text,
  startedAt: time,
  ready: z.boolean(),
  connections: z.strictObject({ devices: z.int(), anonymous: z.int() }),
  /** Null until it has been measured once. */
  queued: z.strictObject({ envelopes: z.int(), bytes: z.int() }).nullable(),
  /** Null: none here. */
  tls: certificate.nullable(),
  lastBackupAt: time.nullable(),
  openAlerts: z.int(),
  /** Invitations can be made on the page. */
  invites: z.boolean(),
})
export type Overview = z.output<typeof overview>

const session = z.strictObject({
  accountId: accountIdSchema,
  displayName: text,
  role,
  rights: z.array(z.enum(rights)),
})
export type ShownSession = z.output<typeof session>

const invitation = z.strictObject({ accountId: accountIdSchema, text, code: text, expiresAt: time })
const done = z.strictObject({ done: z.int().min(0) })

/** `public`: nobody has signed in yet. `session`: whoever has. */
export type AdminAccess = 'public' | 'session' | Right

interface Place<M extends 'GET' | 'POST'> {
  readonly method: M
  readonly path: `/admin/v1/${string}`
}

interface AdminRoute<Q extends z.ZodType, B extends z.ZodType | null, A extends z.ZodType> extends Place<
  'GET' | 'POST'
> {
  readonly access: AdminAccess
  readonly query: Q
  readonly body: B
  readonly answer: A
}

function read<Q extends z.ZodType, A extends z.ZodType>(
  place: Place<'GET'>,
  access: AdminAccess,
  query: Q,
  answer: A,
): AdminRoute<Q, null, A> {
  return { ...place, access, query, body: null, answer }
}

function write<B extends z.ZodType, A extends z.ZodType>(
  place: Place<'POST'>,
  access: AdminAccess,
  body: B,
  answer: A,
): AdminRoute<typeof nothing, B, A> {
  return { ...place, access, query: nothing, body, answer }
}

const deviceId = z.int().min(1).max(limits.deviceIdMax)
const device = z.strictObject({ deviceId, addedAt: time, lastSeenDay: time })
const person = z.strictObject({ displayName: text })

export const adminRoutes = {
  beginRegistration: write(
    adminPaths.beginRegistration,
    'public',
    z.strictObject({ link }),
    creationOptionsSchema,
  ),
  finishRegistration: write(
    adminPaths.finishRegistration,
    'public',
    z.strictObject({ link, credential: createdCredential }),
    person,
  ),
  beginSignIn: write(adminPaths.beginSignIn, 'public', nothing, requestOptionsSchema),
  finishSignIn: write(
    adminPaths.finishSignIn,
    'public',
    z.strictObject({ credential: signedCredential }),
    session,
  ),
  stepUp: write(
    adminPaths.stepUp,
    'public',
    ofStepUp,
    z.strictObject({
      /** 0: no single one. */
      deviceId: z.int(),
      /** 0: never. */
      lastSeenDay: time,
      budget,
      windowMs: z.int(),
      endsAt: time,
    }),
  ),
  beginStepUp: write(adminPaths.beginStepUp, 'public', ofStepUp, requestOptionsSchema),
  finishStepUp: write(
    adminPaths.finishStepUp,
    'public',
    z.strictObject({ stepUp, credential: signedCredential }),
    person,
  ),
  session: read(adminPaths.session, 'session', nothing, session),
  signOut: write(adminPaths.signOut, 'session', nothing, nothing),
  overview: read(adminPaths.overview, 'overview.read', nothing, overview),
  journal: read(
    adminPaths.journal,
    'journal.read',
    z.strictObject({ before: z.coerce.number().int().min(0).optional() }),
    z.strictObject({ acts: z.array(act) }),
  ),
  journalCheck: read(
    adminPaths.journalCheck,
    'journal.read',
    nothing,
    z.strictObject({ whole: z.boolean(), count: z.int(), root: text }),
  ),
  alerts: read(
    adminPaths.alerts,
    'alerts.read',
    z.strictObject({ all: z.enum(['true', 'false']).optional() }),
    z.strictObject({ alerts: z.array(alert) }),
  ),
  acknowledgeAlert: write(
    adminPaths.acknowledgeAlert,
    'alerts.acknowledge',
    z.strictObject({ id: z.int().min(1), reason }),
    done,
  ),
  budgets: read(
    adminPaths.budgets,
    'budgets.read',
    ofAccount,
    z.strictObject({ budgets: z.array(budgetUse) }),
  ),
  resetBudget: write(
    adminPaths.resetBudget,
    'budgets.reset',
    z.strictObject({ accountId: accountIdSchema, budget, reason }),
    nothing,
  ),
  accounts: read(
    adminPaths.accounts,
    'accounts.read',
    z.strictObject({ name: z.string().max(200).optional() }),
    z.strictObject({ accounts: z.array(account), total: z.int() }),
  ),
  account: read(
    adminPaths.account,
    'accounts.read',
    ofAccount,
    z.strictObject({
      account,
      devices: z.array(device),
      secondFactors: z.int(),
      budgets: z.array(budgetUse),
    }),
  ),
  endDevices: write(
    adminPaths.endDevices,
    'devices.end',
    z.strictObject({ accountId: accountIdSchema, deviceId: deviceId.optional() }),
    done,
  ),
  disableAccount: write(adminPaths.disableAccount, 'accounts.disable', ofAccount, done),
  enableAccount: write(adminPaths.enableAccount, 'accounts.enable', ofAccount, done),
  inviteMember: write(
    adminPaths.inviteMember,
    'accounts.invite',
    z.strictObject({
      name: line.min(1),
      title: line.optional(),
      service: line.optional(),
      organisation: line.optional(),
      email: line.min(1).optional(),
    }),
    invitation,
  ),
  inviteAgain: write(adminPaths.inviteAgain, 'accounts.invite', ofAccount, invitation),
} as const

export type AdminRouteName = keyof typeof adminRoutes
export type AdminAnswer<N extends AdminRouteName> = z.output<(typeof adminRoutes)[N]['answer']>
export type AdminBody<N extends AdminRouteName> = (typeof adminRoutes)[N]['body'] extends z.ZodType
  ? z.output<(typeof adminRoutes)[N]['body']>
  : null
export type AdminQuery<N extends AdminRouteName> = z.output<(typeof adminRoutes)[N]['query']>

export const adminRouteNames = Object.keys(adminRoutes).filter((name): name is AdminRouteName =>
  Object.hasOwn(adminRoutes, name),
)

export { pageHeader } from './paths.ts'
