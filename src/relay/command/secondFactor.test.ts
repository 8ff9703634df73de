import { afterEach, beforeEach, expect, test } from 'vitest'
import { fromBase64Url } from '../../base/bytes.ts'
import { performActs } from '../data/administration.ts'
import { withStore } from '../data/withStore.ts'
import { AdminClient, localPage } from '../testing/adminClient.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { execute } from './execute.ts'

let fixture: RelayFixture
let accountId: string
const operator = { by: { kind: 'operator', name: 'anne' }, now: 1 } as const

beforeEach(async () => {
  fixture = await relayFixture({ admin: localPage })
  accountId = (await fixture.enrol('Ada')).accountId
  await withStore(fixture.data, async ({ people }) =>
    performActs(people, [{ kind: 'role', accountId, role: 'auditor', expiresAt: null }], operator),
  )
})

afterEach(async () => fixture.end())

async function called(...args: string[]): Promise<{ exitCode: number; out: string; error: string }> {
  const said = { out: '', error: '' }
  const exitCode = await execute([...args, '--data', fixture.data], {
    language: 'en',
    version: '0',
    environment: {},
    out: (line) => (said.out += `${line}\n`),
    error: (line) => (said.error += `${line}\n`),
    ended: Promise.resolve(),
    onReload: () => undefined,
  })
  return { exitCode, ...said }
}

test('a link is printed once, is nowhere kept, and registers; taking the factor away ends the session', async () => {
  const origin = fixture.relay.admin ?? ''
  const place = ['--admin-address', origin]
  const { exitCode, out } = await called('second-factor', '--account', accountId, ...place)
  expect([exitCode, out]).toEqual([0, expect.stringContaining('Ada')])
  const [, url = '', secret = ''] = /^(http:\/\/localhost:\d+\/#register=(\S{43}))$/m.exec(out) ?? []
  expect(fromBase64Url(secret)).toHaveLength(32)
  const journal = await called('journal', '--json')
  expect(journal.out).toContain('factor.linked')
  expect(journal.out).not.toContain(secret)
  const client = new AdminClient(origin)
  const authenticator = await client.register(url)
  await client.signIn(authenticator)
  expect(await client.code('overview')).toBe('done')
  const removed = await called('second-factor', '--account', accountId, '--remove')
  expect(removed.out).toContain('One second factor removed')
  expect(await client.code('overview')).toBe('admin.signedOut')
  expect((await called('journal')).out).toMatch(/registered a second factor/)
})

test('an account is found by its address, and what does not fit is refused', async () => {
  await called('domains', '--allow', 'interieur.example')
  await called('accounts', 'profile', '--account', accountId, '--email', 'ada@interieur.example')
  const place = ['--admin-address', 'https://relay.example:9443']
  const { out } = await called('second-factor', '--email', 'Ada@Interieur.Example', ...place, '--json')
  expect(JSON.parse(out)).toMatchObject({ accountId, displayName: 'Ada' })
  for (const wrong of [
    ['--email', 'bob@interieur.example', ...place],
    ['--account', accountId, '--email', 'ada@interieur.example', ...place],
    place,
    ['--account', accountId],
    ['--account', accountId, '--admin-address', 'https://10.1.2.3'],
    ['--account', accountId, '--admin-address', 'http://relay.example'],
  ])
    expect((await called('second-factor', ...wrong)).exitCode, wrong.join(' ')).toBe(2)
  await called('accounts', 'disable', '--account', accountId)
  expect((await called('second-factor', '--account', accountId, ...place)).error).toContain('disabled')
})
