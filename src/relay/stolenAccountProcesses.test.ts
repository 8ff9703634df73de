import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RouteAnswer } from '../wire/http.ts'
import { execute } from './command/execute.ts'
import { withStore } from './data/withStore.ts'
import { createInvitation, initRelay, startRelay, type RunningRelay } from './index.ts'
import { ask, enrolDevice } from './testing/client.ts'
import { fillDirectory, peopleNames } from './testing/directory.ts'
import { answerLink, completeBody, linkDevice, offerLink, siblingOf } from './testing/linking.ts'
import { postgresServer, type PostgresServer } from './testing/postgres.ts'
import { TestClient } from './testing/sockets.ts'

const people = 300
const unhindered = { requests: 10_000_000, perMs: 60_000 }
let server: PostgresServer
let folder: string
let data: string
let relays: RunningRelay[]

beforeAll(async () => {
  server = await postgresServer()
  folder = await mkdtemp(join(tmpdir(), 'valise-stolen-'))
  data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X', postgresUrl: await server.database() })
  await withStore(data, async (store) => fillDirectory(store, peopleNames(people)))
  const budgets = { device: unhindered, directory: unhindered }
  relays = await Promise.all([0, 1, 2].map(async () => startRelay({ data, budgets })))
})

afterAll(async () => {
  await Promise.all(relays.map(async (relay) => relay.stop()))
  await server.end()
  await rm(folder, { recursive: true, force: true })
})

/** Each process another part of the alphabet, until it is refused three times in a row. */
async function readAll(address: string, token: string, letters: string, seen: Set<string>): Promise<void> {
  let refused = 0
  for (const query of letters) {
    for (let after: string | null = '.0'; after !== null && refused < 3;) {
      const path = `/v1/directory?query=${query}&after=${after}`
      const { status, body } = await ask(address, 'GET', path, { token })
      if (status !== 200) {
        expect(body).toMatchObject({ code: 'budget.spent' })
        refused += 1
        break
      }
      refused = 0
      const page = body as RouteAnswer<'directory'>
      for (const { accountId } of page.entries) seen.add(accountId)
      after = page.next
    }
  }
}

test('three processes on one PostgreSQL count one account together, and one command ends it on all of them', async () => {
  const addresses = relays.map(({ address }) => address)
  const [one = ''] = addresses
  const { code } = await createInvitation({ data, name: 'Compte volé', address: one })
  const stolen = await enrolDevice(one, code)
  const first = await TestClient.connect(one, stolen)
  const devices = [
    stolen,
    await linkDevice(one, stolen, first.token),
    await linkDevice(one, stolen, first.token),
  ]
  await first.end()
  const sessions = await Promise.all(
    addresses.map(async (address, n) => TestClient.connect(address, devices[n] ?? stolen)),
  )
  const seen = new Set<string>()
  const parts = ['fmjacp', 'bslhdn', 'rgvtie']
  await Promise.all(
    addresses.map(async (address, n) => readAll(address, sessions[n]?.token ?? '', parts[n] ?? '', seen)),
  )
  console.log(`through three processes at once, of ${people} people: ${seen.size} seen of 200`)
  expect(seen.size).toBeGreaterThan(100)
  expect(seen.size).toBeLessThanOrEqual(200)

  const { linkId } = await offerLink(one)
  const reserved = await answerLink(one, sessions[1]?.token ?? '', linkId)
  const asked = performance.now()
  const terminal = { language: 'en', version: '0', environment: {}, ended: Promise.resolve() } as const
  const silent = { out: () => undefined, error: () => undefined, onReload: () => undefined }
  const args = ['revoke', '--account', stolen.accountId, '--data', data]
  expect(await execute(args, { ...terminal, ...silent })).toBe(0)
  for (const session of sessions) await session.closed
  const endedMs = performance.now() - asked
  console.log(`sessions on three processes ended ${Math.round(endedMs)} ms after the command`)
  expect(endedMs).toBeLessThan(60_000)
  // A link that was reserved beforehand does not undo it, at whichever process.
  const body = completeBody(linkId, reserved.secret, siblingOf(stolen, reserved.deviceId))
  for (const address of addresses) {
    const { body: answer } = await ask(address, 'POST', '/v1/link/complete', { body })
    expect(answer).toEqual({ code: 'link.unknown' })
  }
})
