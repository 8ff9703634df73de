import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { reportOf } from '../../base/errors.ts'
import { linkHashOf } from '../accounts/linkHash.ts'
import type { AccountRole } from '../accounts/standing.ts'
import { usualAccountBudgets } from '../budgets/table.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { SoftwareAuthenticator, type AuthenticatorFaults } from '../testing/authenticator.ts'
import { challengeMs } from './challenges.ts'
import { SecondFactor } from './secondFactor.ts'

const origin = 'https://relay.example:9443'
const party = { id: 'relay.example', name: 'Ministère', origin }
let now: number
let folder: string
let store: RelayStore
let factor: SecondFactor

beforeEach(async () => {
  now = 1_800_000_000_000
  folder = await mkdtemp(join(tmpdir(), 'valise-factor-'))
  store = openSqliteStore(join(folder, 'relay.db'))
  factor = new SecondFactor({
    store,
    budgets: usualAccountBudgets,
    party: () => party,
    clock: { now: () => now },
  })
})

afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const context = (): { by: { kind: 'operator'; name: string }; now: number } => ({
  by: { kind: 'operator', name: 'anne' },
  now,
})

async function account(role: AccountRole = 'administrator'): Promise<string> {
  const accountId = randomUUID()
  const profile = { displayName: 'Ada', title: '', service: '', organisation: 'X' }
  const invitation = { codeHash: copyBytes(randomBytes(32)), createdAt: now, expiresAt: now + 1 }
  await store.people.apply(
    [
      {
        kind: 'create',
        accountId,
        profile: { ...profile, email: null, identifier: null },
        role,
        expiresAt: null,
        hidden: false,
        invitation,
      },
    ],
    context(),
  )
  return accountId
}

async function link(accountId: string): Promise<Bytes> {
  const secret = copyBytes(randomBytes(32))
  const linkHash = linkHashOf(secret)
  await store.credentials.link({ accountId, linkHash, expiresAt: now + 3_600_000 }, context())
  return secret
}

async function registered(accountId: string): Promise<SoftwareAuthenticator> {
  const authenticator = new SoftwareAuthenticator(origin)
  const secret = await link(accountId)
  await factor.finishRegistration(secret, authenticator.create(await factor.beginRegistration(secret)))
  return authenticator
}

/** What an account is asked to confirm, with its address. */
async function asked(accountId: string): Promise<Bytes> {
  const request = { id: copyBytes(randomBytes(16)), accountId, deviceId: 1, budget: 'directory' } as const
  const id = await store.credentials.askStepUp({ ...request, endsAt: now + 300_000 }, 150_000, now)
  if (id === null) throw new Error('nothing to ask')
  return id
}

const standing = async (accountId: string): Promise<string> =>
  store.credentials.stepUp({ accountId, deviceId: 1, budget: 'directory' }, now)

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (thrown: unknown) => reportOf(thrown).code,
  )
}

async function acts(): Promise<readonly string[]> {
  const rows = await store.acts.rows(0, 1_000)
  return rows
    .filter(({ type }) => type.startsWith('factor'))
    .map(({ type, payload }) => {
      const { detail } = JSON.parse(payload ?? '{}') as { readonly detail?: string }
      return detail === undefined ? type : `${type} ${detail}`
    })
}

test('a link registers a credential once, which then signs in and steps up', async () => {
  const accountId = await account()
  const authenticator = new SoftwareAuthenticator(origin)
  const secret = await link(accountId)
  const options = await factor.beginRegistration(secret)
  expect(options).toMatchObject({
    rp: { id: 'relay.example', name: 'Ministère' },
    user: { name: 'Ada' },
    attestation: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
  const answer = authenticator.create(options)
  expect((await factor.finishRegistration(secret, answer)).accountId).toBe(accountId)
  expect(await codeOf(factor.finishRegistration(secret, answer))).toBe('factor.link')
  expect(await codeOf(factor.beginRegistration(secret))).toBe('factor.link')
  const { person, credentialId } = await factor.signIn(authenticator.get(await factor.beginSignIn()))
  expect([person.accountId, credentialId]).toEqual([accountId, new Uint8Array(authenticator.id)])
  const id = await asked(accountId)
  await factor.stepUp(id, authenticator.get(await factor.beginStepUp(id)))
  expect(await standing(accountId)).toBe('open')
  expect(await codeOf(factor.beginStepUp(id))).toBe('factor.stepUp')
  now += usualAccountBudgets.directory.windowMs
  expect(await standing(accountId)).toBe('shut')
  expect(await acts()).toEqual([
    'factor.linked',
    'factor.registered',
    'factor.signedIn',
    'factor.steppedUp directory: 1',
  ])
})

test('a link that is over, was replaced or is nobody’s registers nothing', async () => {
  const accountId = await account()
  const old = await link(accountId)
  const secret = await link(accountId)
  expect(await codeOf(factor.beginRegistration(old))).toBe('factor.link')
  expect(await codeOf(factor.beginRegistration(copyBytes(randomBytes(32))))).toBe('factor.link')
  const options = await factor.beginRegistration(secret)
  now += 3_600_000
  const answer = new SoftwareAuthenticator(origin).create(options)
  expect(await codeOf(factor.finishRegistration(secret, answer))).toBe('factor.link')
  const last = await link(accountId)
  await store.people.apply([{ kind: 'disable', accountId }], context())
  expect(await codeOf(factor.beginRegistration(last))).toBe('account.disabled')
  expect(await store.credentials.list(accountId)).toEqual([])
})

const faults: readonly [string, AuthenticatorFaults][] = [
  ['another origin', { origin: 'https://relay.example' }],
  ['another relying party', { rpId: 'example' }],
  ['no user verification', { userVerified: false }],
  ['another challenge', { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ['another type', { type: 'webauthn.other' }],
]

test.each(faults)(
  '%s: refused for registration, sign-in and step-up, and in the journal',
  async (_, fault) => {
    const accountId = await account()
    const secret = await link(accountId)
    const bad = new SoftwareAuthenticator(origin).create(await factor.beginRegistration(secret), fault)
    expect(await codeOf(factor.finishRegistration(secret, bad))).toBe('factor.refused')
    expect(await store.credentials.list(accountId)).toEqual([])
    const authenticator = await registered(accountId)
    const signedIn = authenticator.get(await factor.beginSignIn(), fault)
    expect(await codeOf(factor.signIn(signedIn))).toBe('factor.refused')
    const id = await asked(accountId)
    const confirmed = authenticator.get(await factor.beginStepUp(id), fault)
    expect(await codeOf(factor.stepUp(id, confirmed))).toBe('factor.refused')
    expect((await acts()).filter((act) => act === 'factor.refused signature')).toHaveLength(3)
    expect(await standing(accountId)).toBe('shut')
  },
)

test('a challenge is good once, for its purpose, its link and five minutes', async () => {
  const [ada, bob] = [await account(), await account()]
  const authenticator = await registered(ada)
  const used = authenticator.get(await factor.beginSignIn())
  await factor.signIn(used)
  expect(await codeOf(factor.signIn(used))).toBe('factor.refused')
  const other = await factor.beginSignIn()
  const id = await asked(ada)
  expect(await codeOf(factor.stepUp(id, authenticator.get(other)))).toBe('factor.refused')
  // It is used up by that.
  expect(await codeOf(factor.signIn(authenticator.get(other)))).toBe('factor.refused')
  const late = await factor.beginSignIn()
  now += challengeMs
  expect(await codeOf(factor.signIn(authenticator.get(late)))).toBe('factor.refused')
  const [hers, his] = [await link(ada), await link(bob)]
  const forHer = await factor.beginRegistration(hers)
  const swapped = new SoftwareAuthenticator(origin).create(forHer)
  expect(await codeOf(factor.finishRegistration(his, swapped))).toBe('factor.refused')
  const forSignIn = await factor.beginSignIn()
  const wrong = new SoftwareAuthenticator(origin).create(forHer, { challenge: forSignIn.challenge })
  expect(await codeOf(factor.finishRegistration(hers, wrong))).toBe('factor.refused')
  expect(await codeOf(factor.signIn(authenticator.get(await factor.beginSignIn())))).toBe('done')
})

test('a counter that does not rise, a foreign key, an unknown credential and another’s handle are refused', async () => {
  const [ada, bob] = [await account(), await account()]
  const authenticator = await registered(ada)
  const other = await registered(bob)
  const signIn = async (fault: AuthenticatorFaults): Promise<string> =>
    codeOf(factor.signIn(authenticator.get(await factor.beginSignIn(), fault)))
  expect(await signIn({ counter: 7 })).toBe('done')
  expect([await signIn({ counter: 7 }), await signIn({ counter: 6 }), await signIn({ counter: 0 })]).toEqual(
    Array.from({ length: 3 }, () => 'factor.refused'),
  )
  expect((await acts()).filter((act) => act === 'factor.refused counter')).toHaveLength(3)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  expect(await signIn({ counter: 9, key: privateKey })).toBe('factor.refused')
  const mixed = authenticator.get(await factor.beginSignIn(), { counter: 9 })
  const { userHandle } = other.get(await factor.beginSignIn()).response
  const withHandle = { ...mixed, response: { ...mixed.response, userHandle } }
  expect(await codeOf(factor.signIn(withHandle))).toBe('factor.refused')
  const before = (await acts()).length
  const stranger = new SoftwareAuthenticator(origin)
  expect(await codeOf(factor.signIn(stranger.get(await factor.beginSignIn())))).toBe('factor.refused')
  // Whoever is unknown cannot make the journal grow.
  expect(await acts()).toHaveLength(before)
  expect(await signIn({ counter: 8 })).toBe('done')
})

test('who has no role here, or is disabled, does not get in; each may step up but the disabled', async () => {
  for (const role of ['member', 'guest'] as const) {
    const accountId = await account(role)
    const authenticator = await registered(accountId)
    expect(await codeOf(factor.signIn(authenticator.get(await factor.beginSignIn())))).toBe('admin.forbidden')
    const id = await asked(accountId)
    expect(await codeOf(factor.stepUp(id, authenticator.get(await factor.beginStepUp(id))))).toBe('done')
  }
  for (const role of ['auditor', 'securityOfficer'] as const) {
    const authenticator = await registered(await account(role))
    expect(await codeOf(factor.signIn(authenticator.get(await factor.beginSignIn())))).toBe('done')
  }
  const accountId = await account()
  const authenticator = await registered(accountId)
  const id = await asked(accountId)
  await store.people.apply([{ kind: 'disable', accountId }], context())
  const signedIn = authenticator.get(await factor.beginSignIn())
  expect(await codeOf(factor.signIn(signedIn))).toBe('account.disabled')
  const confirmed = authenticator.get(await factor.beginStepUp(id))
  expect(await codeOf(factor.stepUp(id, confirmed))).toBe('account.disabled')
  const refused = (await acts()).filter((act) => act.startsWith('factor.refused'))
  expect(refused).toEqual([
    'factor.refused role',
    'factor.refused role',
    'factor.refused disabled',
    'factor.refused disabled',
  ])
})

test('one authenticator is one account’s', async () => {
  const authenticator = await registered(await account())
  const secret = await link(await account())
  const again = authenticator.create(await factor.beginRegistration(secret))
  expect(await codeOf(factor.finishRegistration(secret, again))).toBe('factor.taken')
})

test('a step-up is confirmed by its own account alone, for its own id, in its time', async () => {
  const [ada, bob] = [await account('member'), await account('member')]
  const [hers, his] = [await registered(ada), await registered(bob)]
  const [id, other] = [await asked(ada), await asked(bob)]
  const foreign = his.get(await factor.beginStepUp(id))
  expect(await codeOf(factor.stepUp(id, foreign))).toBe('factor.refused')
  expect((await acts()).at(-1)).toBe('factor.refused account')
  // What was signed for one request confirms no other.
  const forOther = hers.get(await factor.beginStepUp(other))
  expect(await codeOf(factor.stepUp(id, forOther))).toBe('factor.refused')
  const late = hers.get(await factor.beginStepUp(id))
  now += 300_000
  expect(await codeOf(factor.stepUp(id, late))).toBe('factor.stepUp')
  expect(await codeOf(factor.beginStepUp(copyBytes(randomBytes(16))))).toBe('factor.stepUp')
  expect([await standing(ada), await standing(bob)]).toEqual(['shut', 'shut'])
})

test('an attestation of another format than none or packed is refused before it is looked at', async () => {
  for (const format of ['fido-u2f', 'apple', 'tpm', 'android-key', 'android-safetynet', 'other']) {
    const secret = await link(await account())
    const options = await factor.beginRegistration(secret)
    const answer = new SoftwareAuthenticator(origin).create(options, { format })
    expect(await codeOf(factor.finishRegistration(secret, answer)), format).toBe('factor.refused')
    // The challenge was not even taken.
    const good = new SoftwareAuthenticator(origin).create(options)
    expect(await codeOf(factor.finishRegistration(secret, good)), format).toBe('done')
  }
})
