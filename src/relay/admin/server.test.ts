import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { performActs } from '../data/administration.ts'
import { withStore } from '../data/withStore.ts'
import { AdminClient, localPage, signedIn, type Administrator } from '../testing/adminClient.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { adminRouteNames, adminRoutes, type AdminRouteName } from './routes.ts'
import { idleMs, sessionMs } from './sessions.ts'

let ahead = 0
const clock = { now: (): number => systemClock.now() + ahead }
const unhindered = { requests: 10_000_000, perMs: 60_000 }
let folder: string
let fixture: RelayFixture
let administrator: Administrator
let officer: Administrator
let auditor: Administrator

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-page-'))
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  await writeFile(join(folder, 'page.js'), 'void 0')
  await writeFile(join(folder, 'secret.txt'), 'not for the page')
  fixture = await relayFixture({
    clock,
    admin: {
      ...localPage,
      page: folder,
      inviting: { address: 'http://127.0.0.1:1' },
      budgets: { address: unhindered, session: unhindered },
    },
  })
  administrator = await signedIn(fixture, 'administrator')
  officer = await signedIn(fixture, 'securityOfficer')
  auditor = await signedIn(fixture, 'auditor')
})

afterAll(async () => {
  await fixture.end()
  await rm(folder, { recursive: true })
})

const operator = { by: { kind: 'operator', name: 'anne' }, now: 1 } as const

async function lastActs(count: number): Promise<readonly unknown[]> {
  const { acts } = await auditor.client.call('journal')
  return acts.slice(0, count).map(({ type, by, account, detail }) => [type, by, account, detail])
}

/** Anything that fits the schemas: whether a role may is decided before. */
function bodies(accountId: string): Partial<Record<AdminRouteName, Record<string, unknown>>> {
  return {
    acknowledgeAlert: { id: 999_999, reason: 'x' },
    resetBudget: { accountId, budget: 'directory', reason: 'x' },
    endDevices: { accountId, deviceId: 99 },
    disableAccount: { accountId },
    enableAccount: { accountId },
    inviteMember: { name: 'Zoé' },
    inviteAgain: { accountId },
  }
}

test('every route refuses who is not signed in, and each role what it may not', async () => {
  const { accountId } = await fixture.enrol('Cible')
  const stranger = new AdminClient(fixture.relay.admin ?? '')
  for (const name of adminRouteNames) {
    const { access } = adminRoutes[name]
    if (access === 'public' || name === 'signOut') continue
    const asking = { body: bodies(accountId)[name] ?? {}, query: { accountId } }
    const query = name === 'account' || name === 'budgets' ? asking : { body: asking.body }
    expect(await stranger.code(name, query), name).toBe('admin.signedOut')
    const codes = [
      await auditor.client.code(name, query),
      await officer.client.code(name, query),
      await administrator.client.code(name, query),
    ]
    const allowed = codes.map((code) => code !== 'admin.forbidden')
    const reads = access === 'session' || /^(?:overview|journal|alerts|budgets)\.read$/.test(access)
    expect(allowed, `${name}: ${codes.join(' ')}`).toEqual([reads, !/invite|able$/.test(access), true])
  }
})

test('a request without the page’s header, from another origin or site, or without an origin is refused', async () => {
  const { client } = administrator
  const body = { name: 'Eve' }
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: `${client.origin}.evil.example` },
    { origin: 'null' },
    { origin: null },
    { 'x-valise-admin': null },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expect(await client.code('inviteMember', { body, headers }), JSON.stringify(headers)).toBe(
      'admin.foreign',
    )
    expect(await client.code('beginSignIn', { headers }), JSON.stringify(headers)).toBe('admin.foreign')
  }
  expect(await client.code('journal', { headers: { origin: 'https://evil.example' } })).toBe('admin.foreign')
  expect(await client.code('journal', { headers: { 'x-valise-admin': null } })).toBe('admin.foreign')
  const { accounts } = await client.call('accounts', { query: { name: 'Eve' } })
  expect(accounts).toEqual([])
})

test('the cookie is for this host alone and no script, every answer is guarded, and files are those of the page', async () => {
  const { client, authenticator } = officer
  const options = await client.call('beginSignIn')
  const { cookie, headers } = await client.ask('finishSignIn', {
    body: { credential: authenticator.get(options) },
  })
  expect(cookie).toMatch(
    /^__Host-valise-admin=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=28800; Secure; HttpOnly; SameSite=Strict$/,
  )
  const page = await fetch(`${client.origin}/`)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const missing = await fetch(`${client.origin}/nothing`)
  for (const each of [headers, page.headers, missing.headers]) {
    expect(each.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/)
    expect(each.get('content-security-policy')).not.toContain('unsafe')
    expect(each.get('x-content-type-options')).toBe('nosniff')
    expect(each.get('cache-control')).toBe('no-store')
    expect(each.get('access-control-allow-origin')).toBeNull()
  }
  for (const path of ['/secret.txt', '/../secret.txt', '/%2e%2e/secret.txt', '/index.html', '/page.js/'])
    expect((await fetch(client.origin + path)).status, path).toBe(404)
  expect((await fetch(`${client.origin}/page.js`)).status).toBe(200)
  expect((await fetch(`${fixture.address}/admin/v1/session`)).status).toBe(404)
})

test('a session ends after a quarter of an hour of nothing, after eight hours, and at the end', async () => {
  const { client, authenticator } = await signedIn(fixture, 'auditor', 'Paul', clock.now())
  ahead += idleMs - 60_000
  expect(await client.code('session')).toBe('done')
  ahead += idleMs
  expect(await client.code('session')).toBe('admin.signedOut')
  await client.signIn(authenticator)
  for (let waited = 0; waited + 600_000 < sessionMs; waited += 600_000) {
    expect(await client.code('session')).toBe('done')
    ahead += 600_000
  }
  ahead += 600_000
  expect(await client.code('session')).toBe('admin.signedOut')
  await client.signIn(authenticator)
  const kept = client.cookie
  await client.call('signOut')
  expect(client.cookie).toBe('__Host-valise-admin=')
  client.cookie = kept
  expect(await client.code('session')).toBe('admin.signedOut')
  for (const each of [administrator, officer, auditor]) await each.client.signIn(each.authenticator)
})

test('who is disabled, loses the role or the second factor is out at once', async () => {
  const { accountId, client, authenticator } = await signedIn(fixture, 'administrator', 'Luc', clock.now())
  const apply = async (
    act: { kind: 'disable' | 'enable' } | { kind: 'role'; role: 'member' | 'auditor'; expiresAt: null },
  ): Promise<void> => {
    await withStore(fixture.data, async ({ people }) =>
      performActs(people, [{ ...act, accountId }], operator),
    )
  }
  await apply({ kind: 'disable' })
  expect(await client.code('overview')).toBe('admin.signedOut')
  await apply({ kind: 'enable' })
  expect(await client.code('overview')).toBe('admin.signedOut')
  await client.signIn(authenticator)
  await apply({ kind: 'role', role: 'auditor', expiresAt: null })
  expect(await client.code('accounts')).toBe('admin.forbidden')
  await apply({ kind: 'role', role: 'member', expiresAt: null })
  expect(await client.code('overview')).toBe('admin.signedOut')
  await apply({ kind: 'role', role: 'auditor', expiresAt: null })
  await client.signIn(authenticator)
  await withStore(fixture.data, async ({ credentials }) => credentials.remove(accountId, operator))
  expect(await client.code('overview')).toBe('admin.signedOut')
})

test('what is done is done, with who did it in the journal', async () => {
  const { client, accountId: own } = administrator
  const { accountId } = await fixture.enrol('Émile Strauß')
  const { accounts, total } = await client.call('accounts', { query: { name: 'strauss' } })
  expect([accounts.map((each) => each.accountId), total]).toEqual([[accountId], 1])
  expect(await client.call('disableAccount', { body: { accountId } })).toEqual({ done: 1 })
  expect(await client.call('disableAccount', { body: { accountId } })).toEqual({ done: 0 })
  expect((await client.call('account', { query: { accountId } })).account.disabled).toBe(true)
  await client.call('enableAccount', { body: { accountId } })
  await officer.client.call('resetBudget', {
    body: { accountId, budget: 'directory', reason: 'fausse alerte' },
  })
  await officer.client.call('endDevices', { body: { accountId, deviceId: 1 } })
  expect((await officer.client.call('account', { query: { accountId } })).devices).toEqual([])
  expect(await lastActs(7)).toEqual([
    ['read.account', officer.accountId, accountId, undefined],
    ['device.ended', officer.accountId, accountId, 1],
    ['budget.reset', officer.accountId, accountId, 'directory: fausse alerte'],
    ['account.enabled', own, accountId, undefined],
    ['read.account', own, accountId, undefined],
    ['account.disabled', own, accountId, undefined],
    ['read.listed', own, undefined, 1],
  ])
  expect(await auditor.client.call('journalCheck')).toMatchObject({ whole: true })
})

test('an invitation that was made on the page enrols; an address of a domain that is not taken is refused', async () => {
  const { client, accountId: own } = administrator
  const made = await client.call('inviteMember', { body: { name: 'Zoé', title: '', service: 'Finances' } })
  expect((await client.call('account', { query: { accountId: made.accountId } })).account).toMatchObject({
    displayName: 'Zoé',
    service: 'Finances',
    role: 'member',
    enrolledAt: null,
  })
  expect((await lastActs(2))[1]).toEqual(['account.created', own, made.accountId, 'member'])
  const again = await client.call('inviteAgain', { body: { accountId: made.accountId } })
  expect(again.code).not.toBe(made.code)
  const body = { name: 'Zoé', email: 'zoe@nowhere.example' }
  expect(await client.code('inviteMember', { body })).toBe('request.malformed')
  expect(await client.code('inviteMember', { body: { name: '' } })).toBe('request.malformed')
  expect(await client.code('inviteMember', { body: { name: 'Zoé', role: 'administrator' } })).toBe(
    'request.malformed',
  )
})

test('accounts are listed twenty times an hour and looked at two hundred times, each in the journal, alerted at half and at the end', async () => {
  const { client, accountId } = await signedIn(fixture, 'securityOfficer', 'Inès', clock.now())
  for (let n = 0; n < 20; n += 1) await client.call('accounts', { query: { name: 'nobody' } })
  expect(await client.code('accounts')).toBe('budget.spent')
  const query = { accountId: administrator.accountId }
  for (let n = 0; n < 200; n += 1) await client.call('account', { query })
  expect(await client.code('account', { query })).toBe('budget.spent')
  const acts = await withStore(fixture.data, async (store) => {
    const { size } = await store.acts.state()
    return (await store.acts.rows(0, size)).map(({ type, payload }) => `${type} ${String(payload)}`)
  })
  const own = acts.filter((act) => act.includes(`"by":"${accountId}"`))
  expect(own.filter((act) => act.startsWith('read.listed'))).toHaveLength(20)
  expect(own.filter((act) => act.startsWith('read.account'))).toHaveLength(200)
  expect(own.findLast((act) => act.startsWith('read.account'))).toContain(administrator.accountId)
  const raised = async (): Promise<readonly string[]> => {
    const { alerts } = await auditor.client.call('alerts')
    return alerts.filter((alert) => alert.accountId === accountId).map(({ budget }) => budget)
  }
  await expect.poll(raised).toEqual(['accountReads', 'accountReads', 'accountLists', 'accountLists'])
  for (const { id } of (await auditor.client.call('alerts')).alerts)
    await officer.client.call('acknowledgeAlert', { body: { id, reason: 'essai' } })
})

test('the overview tells the state and the certificate', async () => {
  expect(await auditor.client.call('overview')).toMatchObject({
    organisation: 'Ministère des essais',
    ready: true,
    tls: null,
    openAlerts: 0,
    invites: true,
  })
})

test('nobody resets a limit of, or acknowledges an alert about, the own account', async () => {
  const { client, accountId } = await signedIn(fixture, 'administrator', 'Théo', clock.now())
  const reset = { accountId, budget: 'accountLists', reason: 'moi' }
  expect(await client.code('resetBudget', { body: reset })).toBe('admin.forbidden')
  for (let n = 0; n < 21; n += 1) await client.code('accounts', { query: { name: 'nobody' } })
  const own = async (): Promise<number | undefined> =>
    (await client.call('alerts')).alerts.find((alert) => alert.accountId === accountId)?.id
  await expect.poll(own).toBeDefined()
  const body = { id: await own(), reason: 'moi' }
  expect(await client.code('acknowledgeAlert', { body })).toBe('admin.forbidden')
  expect(await officer.client.code('acknowledgeAlert', { body })).toBe('done')
  expect(await officer.client.code('acknowledgeAlert', { body })).toBe('request.malformed')
  expect(await officer.client.code('resetBudget', { body: reset })).toBe('done')
  await expect.poll(async () => client.code('accounts', { query: { name: 'nobody' } })).toBe('done')
})

test('signing in again ends the session that the browser had', async () => {
  const { client, authenticator } = await signedIn(fixture, 'auditor', 'Noé', clock.now())
  const before = client.cookie
  await client.signIn(authenticator)
  expect(await client.code('session')).toBe('done')
  client.cookie = before
  expect(await client.code('session')).toBe('admin.signedOut')
})

test('the journal is checked six times an hour', async () => {
  const { client } = await signedIn(fixture, 'auditor', 'Lia', clock.now())
  const codes = await Promise.all(Array.from({ length: 7 }, async () => client.code('journalCheck')))
  expect(codes.toSorted()).toEqual([...Array.from({ length: 6 }, () => 'done'), 'relay.tooManyRequests'])
})

test('acts on accounts and invitations have limits of their own, which are told when they are used up', async () => {
  const { client, accountId: own } = await signedIn(fixture, 'administrator', 'Max', clock.now())
  const { accountId } = await fixture.enrol('Léo')
  const body = { accountId }
  for (let n = 0; n < 30; n += 1) {
    await client.call('disableAccount', { body })
    await client.call('enableAccount', { body })
  }
  const reset = { accountId, budget: 'directory', reason: 'essai' }
  expect([
    await client.code('disableAccount', { body }),
    await client.code('endDevices', { body }),
    await client.code('resetBudget', { body: reset }),
  ]).toEqual(['budget.spent', 'budget.spent', 'budget.spent'])
  expect((await client.call('account', { query: body })).account.disabled).toBe(false)
  for (let n = 0; n < 30; n += 1) await client.call('inviteAgain', { body })
  expect(await client.code('inviteAgain', { body })).toBe('budget.spent')
  expect(await client.code('inviteMember', { body: { name: 'Zoé' } })).toBe('budget.spent')
  const raised = async (): Promise<readonly string[]> => {
    const { alerts } = await auditor.client.call('alerts')
    return alerts.filter((alert) => alert.accountId === own).map(({ budget }) => budget)
  }
  await expect.poll(raised).toEqual(['accountInvites', 'accountInvites', 'accountActs', 'accountActs'])
  for (const { id } of (await auditor.client.call('alerts')).alerts)
    await officer.client.call('acknowledgeAlert', { body: { id, reason: 'essai' } })
})

test('whoever has rights on the page is not invited again on it', async () => {
  for (const { accountId } of [auditor, officer, administrator]) {
    const body = { accountId }
    expect(await administrator.client.code('inviteAgain', { body })).toBe('admin.forbidden')
  }
})

test('a look at limits alone is a look at the account', async () => {
  const { client, accountId } = await signedIn(fixture, 'auditor', 'Zia', clock.now())
  const query = { accountId: administrator.accountId }
  await client.call('budgets', { query })
  expect(await lastActs(1)).toEqual([['read.account', accountId, administrator.accountId, undefined]])
  for (let n = 1; n < 200; n += 1) await client.call('budgets', { query })
  expect(await client.code('budgets', { query })).toBe('budget.spent')
})
