import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { reportOf } from '../../base/errors.ts'
import type { AccountRole } from '../accounts/standing.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { SoftwareAuthenticator, type AuthenticatorFaults } from '../testing/authenticator.ts'
import { challengeMs } from './challenges.ts'
import { linkHashOf, SecondFactor } from './secondFactor.ts'

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
  factor = new SecondFactor({ store, party: () => party, clock: { now: () => now } })
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
  const { person, credentialId } = await factor.signIn(authenticator.get(await factor.begin('signIn')))
  expect([person.accountId, credentialId]).toEqual([accountId, new Uint8Array(authenticator.id)])
  await factor.stepUp(authenticator.get(await factor.begin('stepUp')))
  expect(await store.credentials.shown(accountId)).toEqual({ at: now })
  expect(await acts()).toEqual(['factor.linked', 'factor.registered', 'factor.signedIn', 'factor.steppedUp'])
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
    for (const purpose of ['signIn', 'stepUp'] as const) {
      const answer = authenticator.get(await factor.begin(purpose), fault)
      expect(await codeOf(factor[purpose](answer))).toBe('factor.refused')
    }
    expect((await acts()).filter((act) => act === 'factor.refused signature')).toHaveLength(3)
    expect(await store.credentials.shown(accountId)).toEqual({ at: null })
  },
)

test('a challenge is good once, for its purpose, its link and five minutes', async () => {
  const [ada, bob] = [await account(), await account()]
  const authenticator = await registered(ada)
  const used = authenticator.get(await factor.begin('signIn'))
  await factor.signIn(used)
  expect(await codeOf(factor.signIn(used))).toBe('factor.refused')
  const other = await factor.begin('signIn')
  expect(await codeOf(factor.stepUp(authenticator.get(other)))).toBe('factor.refused')
  // It is used up by that.
  expect(await codeOf(factor.signIn(authenticator.get(other)))).toBe('factor.refused')
  const late = await factor.begin('signIn')
  now += challengeMs
  expect(await codeOf(factor.signIn(authenticator.get(late)))).toBe('factor.refused')
  const [hers, his] = [await link(ada), await link(bob)]
  const forHer = await factor.beginRegistration(hers)
  const swapped = new SoftwareAuthenticator(origin).create(forHer)
  expect(await codeOf(factor.finishRegistration(his, swapped))).toBe('factor.refused')
  const forSignIn = await factor.begin('signIn')
  const wrong = new SoftwareAuthenticator(origin).create(forHer, { challenge: forSignIn.challenge })
  expect(await codeOf(factor.finishRegistration(hers, wrong))).toBe('factor.refused')
  expect(await codeOf(factor.signIn(authenticator.get(await factor.begin('signIn'))))).toBe('done')
})

test('a counter that does not rise, a foreign key, an unknown credential and another’s handle are refused', async () => {
  const [ada, bob] = [await account(), await account()]
  const authenticator = await registered(ada)
  const other = await registered(bob)
  const signIn = async (fault: AuthenticatorFaults): Promise<string> =>
    codeOf(factor.signIn(authenticator.get(await factor.begin('signIn'), fault)))
  expect(await signIn({ counter: 7 })).toBe('done')
  expect([await signIn({ counter: 7 }), await signIn({ counter: 6 }), await signIn({ counter: 0 })]).toEqual(
    Array.from({ length: 3 }, () => 'factor.refused'),
  )
  expect((await acts()).filter((act) => act === 'factor.refused counter')).toHaveLength(3)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  expect(await signIn({ counter: 9, key: privateKey })).toBe('factor.refused')
  const mixed = authenticator.get(await factor.begin('signIn'), { counter: 9 })
  const { userHandle } = other.get(await factor.begin('signIn')).response
  const withHandle = { ...mixed, response: { ...mixed.response, userHandle } }
  expect(await codeOf(factor.signIn(withHandle))).toBe('factor.refused')
  const before = (await acts()).length
  const stranger = new SoftwareAuthenticator(origin)
  expect(await codeOf(factor.signIn(stranger.get(await factor.begin('signIn'))))).toBe('factor.refused')
  // Whoever is unknown cannot make the journal grow.
  expect(await acts()).toHaveLength(before)
  expect(await signIn({ counter: 8 })).toBe('done')
})

test('who has no role here, or is disabled, does not get in; each may step up but the disabled', async () => {
  for (const role of ['member', 'guest'] as const) {
    const authenticator = await registered(await account(role))
    expect(await codeOf(factor.signIn(authenticator.get(await factor.begin('signIn'))))).toBe(
      'admin.forbidden',
    )
    expect(await codeOf(factor.stepUp(authenticator.get(await factor.begin('stepUp'))))).toBe('done')
  }
  for (const role of ['auditor', 'securityOfficer'] as const) {
    const authenticator = await registered(await account(role))
    expect(await codeOf(factor.signIn(authenticator.get(await factor.begin('signIn'))))).toBe('done')
  }
  const accountId = await account()
  const authenticator = await registered(accountId)
  await store.people.apply([{ kind: 'disable', accountId }], context())
  for (const purpose of ['signIn', 'stepUp'] as const) {
    const answer = authenticator.get(await factor.begin(purpose))
    expect(await codeOf(factor[purpose](answer))).toBe('account.disabled')
  }
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
