import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { routes } from '../wire/http.ts'
import { linkSecondFactor } from './data/secondFactorLink.ts'
import { withStore } from './data/withStore.ts'
import { AdminClient, localPage } from './testing/adminClient.ts'
import { ask, type EnrolledDevice } from './testing/client.ts'
import { fillDirectory, peopleNames } from './testing/directory.ts'
import { relayFixture, type RelayFixture } from './testing/fixture.ts'
import { linkDevice, offerLink, textsOf } from './testing/linking.ts'
import { TestClient } from './testing/sockets.ts'
import type { SoftwareAuthenticator } from './testing/authenticator.ts'

const unhindered = { requests: 10_000_000, perMs: 60_000 }
let ahead = 0
let fixture: RelayFixture
let accountIds: readonly string[]

beforeAll(async () => {
  fixture = await relayFixture({
    clock: { now: () => systemClock.now() + ahead },
    admin: localPage,
    budgets: { device: unhindered, directory: unhindered },
    accountBudgets: {
      ownKeys: { windowMs: 3_600_000, device: { soft: 1, hard: 3 }, account: { soft: 1, hard: 3 } },
      directory: { windowMs: 3_600_000, device: { soft: 5, hard: 8 }, account: { soft: 6, hard: 20 } },
    },
  })
  accountIds = await withStore(fixture.data, async (store) => fillDirectory(store, peopleNames(40)))
})

afterAll(async () => fixture.end())

/** What each look at one more person is answered. */
async function look(token: string, from: number, count: number): Promise<readonly unknown[]> {
  const said: unknown[] = []
  for (const accountId of accountIds.slice(from, from + count)) {
    const { status, body } = await ask(fixture.address, 'GET', `/v1/account?accountId=${accountId}`, {
      token,
    })
    said.push(status === 200 ? 'shown' : body)
  }
  return said
}

async function withFactor({ accountId }: EnrolledDevice): Promise<{
  readonly client: AdminClient
  readonly authenticator: SoftwareAuthenticator
}> {
  const client = new AdminClient(fixture.relay.admin ?? '')
  const context = { by: { kind: 'operator', name: 'anne' }, now: systemClock.now() + ahead } as const
  const { url } = await linkSecondFactor(fixture.data, { account: accountId }, client.origin, context)
  return { client, authenticator: await client.register(url) }
}

const shown = (count: number): readonly string[] => Array.from({ length: count }, () => 'shown')

/** Where a refusal sends the person. */
async function refusedAt(token: string, from: number): Promise<string> {
  const [said] = await look(token, from, 1)
  expect(said).toMatchObject({ code: 'budget.stepUp', address: expect.stringMatching(place) })
  return (said as { readonly address: string }).address
}

const place = /^http:\/\/localhost:\d+\/#step-up=[A-Za-z0-9_-]{22}$/

test('past a soft limit an account without a second factor goes on, one with it confirms first', async () => {
  const [plain, guarded] = [await fixture.enrol('Ada'), await fixture.enrol('Bob')]
  const { client, authenticator } = await withFactor(guarded)
  const [hers, his] = [
    await TestClient.connect(fixture.address, plain),
    await TestClient.connect(fixture.address, guarded),
  ]
  expect(await look(hers.token, 0, 8)).toEqual(shown(8))
  expect(await look(hers.token, 8, 1)).toMatchObject([{ code: 'budget.spent' }])

  expect(await look(his.token, 0, 5)).toEqual(shown(5))
  const address = await refusedAt(his.token, 5)
  expect(await refusedAt(his.token, 6)).toBe(address)
  expect(await client.call('stepUp', { body: { stepUp: address.split('=')[1] } })).toMatchObject({
    deviceId: 1,
    lastSeenDay: new Date(systemClock.now() + ahead).setUTCHours(0, 0, 0, 0),
    budget: 'directory',
    windowMs: 3_600_000,
  })
  // Signing in is no step-up, and neither is somebody else's.
  const elsewhere = await withFactor(await fixture.enrol('Cy'))
  expect(await elsewhere.client.stepUp(elsewhere.authenticator, address)).toBe('factor.refused')
  expect(await refusedAt(his.token, 5)).toBe(address)
  expect(await client.stepUp(authenticator, address)).toBe('done')
  expect(await client.code('beginStepUp', { body: { stepUp: address.split('=')[1] } })).toBe('factor.stepUp')
  expect(await look(his.token, 5, 3)).toEqual(shown(3))
  expect(await look(his.token, 8, 1)).toMatchObject([{ code: 'budget.spent' }])

  // It holds for a window: what comes after is asked for anew.
  ahead += 2 * 3_600_000
  const later = await TestClient.connect(fixture.address, guarded)
  expect(await look(later.token, 10, 5)).toEqual(shown(5))
  expect(await refusedAt(later.token, 15)).not.toBe(address)
  await Promise.all([hers, his, later].map(async (each) => each.end()))
})

test('keys of one’s own devices, which nobody watches being taken, are given up to the hard limit', async () => {
  const person = await fixture.enrol('Fay')
  await withFactor(person)
  const one = await TestClient.connect(fixture.address, person)
  const two = await TestClient.connect(fixture.address, await linkDevice(fixture.address, person, one.token))
  const { method, path } = routes.ownBundle
  const take = async (): Promise<unknown> => {
    const { status, body } = await ask(fixture.address, method, path, { token: one.token })
    return status === 200 ? 'given' : (body as { readonly code: string }).code
  }
  const taken = [await take(), await take(), await take(), await take()]
  expect(taken).toEqual(['given', 'given', 'given', 'budget.spent'])
  await Promise.all([one, two].map(async (each) => each.end()))
})

test('a confirmation opens one limit of the device that was refused, and of no other', async () => {
  const first = await fixture.enrol('Dan')
  const { client, authenticator } = await withFactor(first)
  const one = await TestClient.connect(fixture.address, first)
  const second = await linkDevice(fixture.address, first, one.token)
  const two = await TestClient.connect(fixture.address, second)
  expect(await look(two.token, 0, 5)).toEqual(shown(5))
  const hers = await refusedAt(two.token, 5)
  expect(await look(one.token, 5, 1)).toEqual(shown(1))
  // The account is past its soft limit: the first device has an address of its own.
  const his = await refusedAt(one.token, 6)
  expect(his).not.toBe(hers)
  expect(await client.stepUp(authenticator, his)).toBe('done')
  expect(await look(one.token, 6, 2)).toEqual(shown(2))
  expect(await refusedAt(two.token, 8)).toBe(hers)
  expect(await client.stepUp(authenticator, hers)).toBe('done')
  expect(await look(two.token, 8, 2)).toEqual(shown(2))
  await Promise.all([one, two].map(async (each) => each.end()))
})

test('past the soft limit of links the device that brings another one confirms', async () => {
  const first = await fixture.enrol('Eve')
  const { client, authenticator } = await withFactor(first)
  const one = await TestClient.connect(fixture.address, first)
  const second = await linkDevice(fixture.address, first, one.token)
  const two = await TestClient.connect(fixture.address, second)
  await linkDevice(fixture.address, first, one.token)
  const reserve = async (token: string): Promise<unknown> => {
    const { linkId } = textsOf(await offerLink(fixture.address))
    await ask(fixture.address, 'POST', routes.linkFind.path, { token, body: { linkId } })
    return (await ask(fixture.address, 'POST', routes.linkReserve.path, { token, body: { linkId } })).body
  }
  const refused = (await reserve(one.token)) as { readonly code: string; readonly address: string }
  expect(refused.code).toBe('budget.stepUp')
  const stepUp = refused.address.split('=')[1]
  expect(await client.call('stepUp', { body: { stepUp } })).toMatchObject({ deviceId: 1, budget: 'links' })
  expect(await client.stepUp(authenticator, refused.address)).toBe('done')
  expect(await reserve(two.token)).toMatchObject({ code: 'budget.stepUp' })
  // To its end: what is counted then is asked of the same device.
  await linkDevice(fixture.address, first, one.token)
  await Promise.all([one, two].map(async (each) => each.end()))
})
