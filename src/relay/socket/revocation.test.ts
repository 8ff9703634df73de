import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withStore } from '../data/withStore.ts'
import type { AccountAct, ActOutcome } from '../store/peopleStore.ts'
import { ask, call, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { linkDevice } from '../testing/linking.ts'
import { TestClient, type WelcomeClient } from '../testing/sockets.ts'

const start = 1_800_000_000_000
let now = start
let fixture: RelayFixture
let alice: EnrolledDevice
let client: WelcomeClient

beforeEach(async () => {
  now = start
  fixture = await relayFixture({
    clock: { now: () => now },
    times: { changesMs: 20, housekeepingMs: 20 },
  })
  alice = await fixture.enrol('Alice')
  client = await connect(alice)
})

afterEach(async () => fixture.end())

const connect = async (device: EnrolledDevice): Promise<WelcomeClient> =>
  TestClient.connect(fixture.address, device)

/** As a command beside the relay does it: in a store of its own on the same file. */
async function administer(...acts: AccountAct[]): Promise<readonly ActOutcome[]> {
  const context = { by: { kind: 'operator', name: 'root' }, now } as const
  return withStore(fixture.data, async ({ people }) => people.apply(acts, context))
}

const refusedToken = async (token: string): Promise<unknown> =>
  ask(fixture.address, 'GET', '/v1/devices', { token })

async function refusedConnection(device: EnrolledDevice): Promise<string> {
  const again = new TestClient(fixture.address)
  await again.prove(device)
  return (await again.next('refusal')).code
}

const disable = (device: EnrolledDevice): AccountAct => ({ kind: 'disable', accountId: device.accountId })

test('a disabled account’s connections end, its tokens and devices are refused, until it is enabled', async () => {
  const second = await connect(await linkDevice(fixture.address, alice, client.token))
  const bob = await connect(await fixture.enrol('Bob'))
  await administer(disable(alice))
  for (const each of [client, second]) {
    expect(await each.next('refusal')).toMatchObject({ code: 'account.disabled' })
    expect(await each.closed).toEqual({ code: 1008 })
    expect(await refusedToken(each.token)).toEqual({ status: 403, body: { code: 'account.disabled' } })
  }
  expect(await refusedConnection(alice)).toBe('account.disabled')
  await call(fixture.address, 'devices', { token: bob.token })
  expect(bob.inbox.filter((frame) => frame.case === 'refusal')).toEqual([])
  await administer({ kind: 'enable', accountId: alice.accountId })
  await call(fixture.address, 'devices', { token: (await connect(alice)).token })
})

test('an ended device learns it at once, and the account’s others that they are fewer', async () => {
  const linked = await linkDevice(fixture.address, alice, client.token)
  const second = await connect(linked)
  await administer({ kind: 'endDevice', accountId: alice.accountId, deviceId: linked.deviceId })
  expect(await second.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
  expect(await refusedToken(second.token)).toEqual({ status: 401, body: { code: 'relay.deviceGone' } })
  expect(await refusedConnection(linked)).toBe('relay.deviceGone')
  await expect
    .poll(async () => (await call(fixture.address, 'devices', { token: client.token })).devices.length)
    .toBe(1)
  await administer({ kind: 'remove', accountId: alice.accountId })
  expect(await client.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
  expect(await refusedConnection(alice)).toBe('relay.deviceGone')
})

test('an account that is disabled while its device waits for its place does not get it', async () => {
  const half = new TestClient(fixture.address, false)
  await client.end()
  await half.prove(alice)
  await half.next('welcome')
  const waiting = new TestClient(fixture.address)
  await waiting.prove(alice, { holder: new Uint8Array(16).fill(7) })
  await administer(disable(alice))
  expect(await waiting.next('refusal')).toMatchObject({ code: 'account.disabled' })
  expect(waiting.inbox.some((frame) => frame.case === 'welcome')).toBe(false)
})

test('a guest’s time ends by itself, on every connection', async () => {
  const role = { kind: 'role', accountId: alice.accountId, role: 'guest', expiresAt: start + 1_000 } as const
  await administer(role)
  await call(fixture.address, 'devices', { token: client.token })
  now = start + 1_000
  expect(await client.next('refusal')).toMatchObject({ code: 'account.disabled' })
  expect(await refusedToken(client.token)).toMatchObject({ body: { code: 'account.disabled' } })
  const acts = await withStore(fixture.data, async (store) => store.acts.rows(0, 9))
  expect(acts.map((row) => [row.type, row.actor])).toEqual([
    ['account.created', 'operator'],
    ['account.role', 'operator'],
    ['account.disabled', 'relay'],
  ])
})

test('what a removal left in the files is gone within a day, though the command was cut short', async () => {
  const gone = await fixture.enrol('Zygomorphe')
  const files = async (): Promise<boolean> => {
    const texts = ['relay.db', 'relay.db-wal'].map(async (name) =>
      readFile(join(fixture.data, name), 'latin1'),
    )
    return (await Promise.all(texts)).some((text) => text.toLowerCase().includes('zygomorphe'))
  }
  await administer({ kind: 'remove', accountId: gone.accountId })
  now += 24 * 3_600_000
  await expect.poll(files).toBe(false)
})

test('a guest sees its organisation alone, and nobody who is hidden; it links no other device', async () => {
  const [inside, hidden, below, outside] = [
    await fixture.enrol('Inside'),
    await fixture.enrol('Hidden'),
    await fixture.enrol('Below'),
    await fixture.enrol('Outside'),
  ]
  const profile = (accountId: string, displayName: string, organisation: string): AccountAct => ({
    kind: 'profile',
    accountId,
    profile: { displayName, organisation, title: '', service: '', email: null, identifier: null },
  })
  const outcomes = await administer(
    profile(alice.accountId, 'Alice', 'A'),
    profile(inside.accountId, 'Inside', 'A'),
    profile(hidden.accountId, 'Hidden', 'A'),
    profile(below.accountId, 'Below', 'A / B'),
    { kind: 'hide', accountId: hidden.accountId, hidden: true },
    { kind: 'role', accountId: alice.accountId, role: 'guest', expiresAt: null },
  )
  expect(outcomes.every(({ kind }) => kind === 'done')).toBe(true)
  const seen = async (token: string): Promise<string[]> =>
    (await call(fixture.address, 'directory', { token })).entries.map((entry) => entry.displayName)
  expect(await seen(client.token)).toEqual(['Below', 'Inside'])
  const other = await connect(outside)
  expect(await seen(other.token)).toEqual(['Alice', 'Below', 'Inside'])
  const found = async (token: string): Promise<number[]> =>
    Promise.all(
      [alice, inside, hidden, below, outside].map(
        async ({ accountId }) =>
          (await ask(fixture.address, 'GET', `/v1/account?accountId=${accountId}`, { token })).status,
      ),
    )
  expect(await found(client.token)).toEqual([200, 200, 404, 200, 404])
  expect(await found(other.token)).toEqual([200, 200, 200, 200, 200])
  const linkId = 'A'.repeat(43)
  for (const path of ['/v1/link/find', '/v1/link/reserve'])
    expect(await ask(fixture.address, 'POST', path, { token: client.token, body: { linkId } })).toEqual({
      status: 403,
      body: { code: 'account.guest' },
    })
})
