import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { linkSecondFactor } from './data/secondFactorLink.ts'
import { withStore } from './data/withStore.ts'
import { AdminClient, localPage } from './testing/adminClient.ts'
import { ask, type EnrolledDevice } from './testing/client.ts'
import { fillDirectory, peopleNames } from './testing/directory.ts'
import { relayFixture, type RelayFixture } from './testing/fixture.ts'
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
  const refusal = { code: 'budget.stepUp', address: `${fixture.relay.admin}/#step-up` }
  expect(await look(his.token, 5, 2)).toMatchObject([refusal, refusal])
  // Signing in is no step-up, and neither is somebody else's.
  const other = await fixture.enrol('Cy')
  const elsewhere = await withFactor(other)
  await elsewhere.client.stepUp(elsewhere.authenticator)
  expect(await look(his.token, 5, 1)).toMatchObject([refusal])
  await client.stepUp(authenticator)
  expect(await look(his.token, 5, 3)).toEqual(shown(3))
  expect(await look(his.token, 8, 1)).toMatchObject([{ code: 'budget.spent' }])

  // It holds for a window: what comes after is asked for anew.
  ahead += 2 * 3_600_000
  const later = await TestClient.connect(fixture.address, guarded)
  expect(await look(later.token, 10, 5)).toEqual(shown(5))
  expect(await look(later.token, 15, 1)).toMatchObject([refusal])
  await Promise.all([hers, his, later].map(async (each) => each.end()))
})
