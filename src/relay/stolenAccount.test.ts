import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toBase64Url } from '../base/bytes.ts'
import {
  accessKeyHeader,
  blobCapabilityHeader,
  blobRoutes,
  permitHeader,
  type RouteAnswer,
} from '../wire/http.ts'
import { execute } from './command/execute.ts'
import { withStore } from './data/withStore.ts'
import { ask, call, type EnrolledDevice } from './testing/client.ts'
import { fillDirectory, peopleNames } from './testing/directory.ts'
import { relayFixture, type RelayFixture } from './testing/fixture.ts'
import { answerLink, completeBody, linkDevice, offerLink, siblingOf } from './testing/linking.ts'
import { drawPermits } from './testing/permits.ts'
import { TestClient, type WelcomeClient } from './testing/sockets.ts'

const people = 600
const minuteMs = 60_000
const start = 1_800_000_000_000
let now = start
let fixture: RelayFixture
let accountIds: string[]
/** With real keys. */
let targets: EnrolledDevice[]
const oneTimeKeys = 40
/** No rate in memory holds anybody up here: what stops is the account's budgets alone. */
const unhindered = { requests: 10_000_000, perMs: 60_000 }

beforeAll(async () => {
  fixture = await relayFixture({
    clock: { now: () => now },
    budgets: {
      address: unhindered,
      link: unhindered,
      anonymous: unhindered,
      recipientBundle: unhindered,
      device: unhindered,
      bundle: unhindered,
      directory: unhindered,
    },
    times: { changesMs: 500 },
  })
  targets = [await fixture.enrol('Cible', oneTimeKeys)]
  for (let n = 0; n < 20; n += 1) targets.push(await fixture.enrol(`Collègue ${n}`))
  accountIds = await withStore(fixture.data, async (store) => fillDirectory(store, peopleNames(people)))
})

afterAll(async () => fixture.end())

/** What an attacker takes away. */
interface Loot {
  readonly people: Set<string>
  readonly bundles: Set<string>
  devices: EnrolledDevice[]
  permits: Uint8Array[]
  certificates: number
  oneTimeKeys: number
  blobs: number
  refusals: number
}

const empty = (): Loot => ({
  people: new Set(),
  bundles: new Set(),
  devices: [],
  permits: [],
  certificates: 0,
  oneTimeKeys: 0,
  blobs: 0,
  refusals: 0,
})

/** The answer of a route, or null for a refusal, which must be one with a code and an end where it is a budget's. */
async function attempt<T>(loot: Loot, path: string, token: string): Promise<T | null> {
  const { status, body } = await ask(fixture.address, 'GET', path, { token })
  if (status === 200) return body as T
  loot.refusals += 1
  const { code, retryAfterMs } = body as { readonly code: string; readonly retryAfterMs?: number }
  if (code === 'budget.spent') expect(retryAfterMs).toBeGreaterThan(0)
  return null
}

const letters = 'abcdefghijklmnopqrstuvwxyz'
const prefixes = [...letters].flatMap((a) => [a, ...[...letters].map((b) => a + b)])

async function readDirectory(loot: Loot, token: string, turn: number): Promise<void> {
  const wanted = [
    '',
    ...prefixes,
    ...['mar', 'dup', 'ber', 'pet', 'rob', 'lef'].map((p) => p + letters[turn]),
  ]
  for (const query of wanted) {
    let after: string | null = null
    do {
      const next: string = after === null ? '' : `&after=${after}`
      const path = `/v1/directory?query=${query}${next}`
      const page: RouteAnswer<'directory'> | null = await attempt(loot, path, token)
      if (page === null) return
      for (const { accountId } of page.entries) loot.people.add(accountId)
      after = page.next
    } while (after !== null)
  }
}

/** Ids that it may have from conversations of the stolen device. */
async function readById(loot: Loot, token: string): Promise<void> {
  for (const accountId of accountIds) {
    const entry = await attempt<{ accountId: string }>(loot, `/v1/account?accountId=${accountId}`, token)
    if (entry === null) return
    loot.people.add(entry.accountId)
  }
}

/** One of everybody who has real keys; what permits are left then, all of the first: to empty it of one-time keys. */
async function takeBundles(loot: Loot, own: EnrolledDevice): Promise<void> {
  for (let turn = 0; loot.permits.length > 0; turn += 1) {
    const { accountId } = targets[turn] ?? targets[0] ?? own
    const headers = { [permitHeader]: toBase64Url(loot.permits.pop() ?? randomBytes(65)) }
    const { status, body } = await ask(fixture.address, 'GET', `/v1/bundle?accountId=${accountId}`, {
      headers,
    })
    expect(status).toBe(200)
    loot.bundles.add(accountId)
    const { devices } = body as RouteAnswer<'bundle'>
    if (devices.some(({ preKey }) => preKey !== null)) loot.oneTimeKeys += 1
  }
  for (const accountId of accountIds.slice(0, 50)) {
    // Its own access key opens nobody else's.
    const key = { [accessKeyHeader]: toBase64Url(own.accessKey) }
    for (const path of ['person', 'bundle']) {
      const foreign = await ask(fixture.address, 'GET', `/v1/${path}?accountId=${accountId}`, {
        headers: key,
      })
      expect(foreign.body).toEqual({ code: 'access.denied' })
    }
  }
}

async function readBlobs(loot: Loot, permit: Uint8Array, ids: readonly Uint8Array[]): Promise<void> {
  const guesses = [...ids, ...Array.from({ length: 200 }, () => randomBytes(32)), Buffer.alloc(32)]
  for (const guess of guesses) {
    const headers = { [permitHeader]: toBase64Url(permit), [blobCapabilityHeader]: toBase64Url(guess) }
    const { status, body } = await ask(fixture.address, 'GET', blobRoutes.getBlob.path, { headers })
    if (status === 200) loot.blobs += 1
    else expect(body).toEqual({ code: 'blob.unknown' })
  }
}

/** Files of others, by their ids: what a copy of the relay's table would tell. */
async function foreignBlobs(): Promise<Uint8Array[]> {
  const author = await fixture.enrol('Autrice', 0)
  const client = await TestClient.connect(fixture.address, author)
  const permits = await drawPermits(fixture.address, client.token, 20, now)
  const ids: Uint8Array[] = []
  for (const permit of permits) {
    const id = createHash('sha256').update(randomBytes(32)).digest()
    ids.push(id)
    const query = `blobId=${toBase64Url(id)}&reads=5&keptMs=86400000`
    const answer = await fetch(`${fixture.address}${blobRoutes.putBlob.path}?${query}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', [permitHeader]: toBase64Url(permit) },
      body: randomBytes(1_000),
    })
    expect(answer.status).toBe(200)
  }
  await client.end()
  return ids
}

async function linkAll(loot: Loot, stolen: EnrolledDevice, session: WelcomeClient): Promise<void> {
  for (let n = 0; n < 12; n += 1) {
    // Each offer waits ten minutes for its five tries of the account.
    now += 2 * minuteMs
    const device = await linkDevice(fixture.address, stolen, await freshToken(session)).catch(() => null)
    if (device === null) loot.refusals += 1
    else loot.devices.push(device)
  }
}

async function freshToken(session: WelcomeClient): Promise<string> {
  session.send({ case: 'requestToken', value: {} })
  return (await session.next('token')).value
}

async function drawAll(loot: Loot, token: string): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    const drawn = await drawPermits(fixture.address, token, 25, now).catch(() => null)
    if (drawn === null) loot.refusals += 1
    else loot.permits.push(...drawn)
  }
}

test('one stolen account, with a script, takes in an hour what its budgets allow; the alert fires; a command ends it', async () => {
  const loot = empty()
  const ids = await foreignBlobs()
  const stolen = await fixture.enrol('Compte volé')
  const first = await TestClient.connect(fixture.address, stolen)
  await drawAll(loot, first.token)
  expect(loot.permits).toHaveLength(200)
  const [spare] = loot.permits.splice(0, 1)
  await readBlobs(loot, spare ?? randomBytes(65), ids)
  await takeBundles(loot, stolen)
  await linkAll(loot, stolen, first)
  const sessions: WelcomeClient[] = []
  for (const device of [stolen, ...loot.devices]) {
    sessions.push(await TestClient.connect(fixture.address, device))
  }
  const began = now
  for (let turn = 0; now < began + 60 * minuteMs; turn += 1) {
    // Tokens of ten minutes: fresh ones at each turn, with which all devices go on.
    for (const session of sessions) {
      const token = await freshToken(session)
      await readDirectory(loot, token, turn)
      await readById(loot, token)
      const certificate = await ask(fixture.address, 'GET', '/v1/certificate', { token })
      if (certificate.status === 200) loot.certificates += 1
    }
    now += 5 * minuteMs
  }
  console.log(
    `one stolen account in an hour, of ${people} people: ${loot.people.size} seen, ${loot.bundles.size} people’s bundles ` +
      `with ${loot.oneTimeKeys} one-time keys, ` +
      `${loot.blobs} files, ${loot.devices.length} devices linked, all 200 permits used, ` +
      `${loot.certificates} certificates of its own, ${loot.refusals} refusals`,
  )
  expect(loot.people.size).toBeLessThanOrEqual(200)
  expect(loot.people.size).toBeGreaterThan(190)
  // 30 of the one it was after, and one of each other.
  expect(loot.oneTimeKeys).toBe(30 + targets.length - 1)
  const target = await TestClient.connect(fixture.address, targets[0] ?? stolen)
  const left = await call(fixture.address, 'keyCount', { token: target.token })
  expect(left).toEqual({ oneTimePreKeys: oneTimeKeys - 30, oneTimeKyberPreKeys: oneTimeKeys - 30 })
  expect(loot.permits).toEqual([])
  expect(loot.blobs).toBe(0)
  expect(loot.devices.length).toBe(5)

  const alerts = await withStore(fixture.data, async (store) =>
    store.alerts.list({ openOnly: true, limit: 99 }),
  )
  expect(alerts).toContainEqual(
    expect.objectContaining({ accountId: targets[0]?.accountId, budget: 'keysByPermit', kind: 'hard' }),
  )
  const ofAccount = alerts.filter(({ accountId }) => accountId === stolen.accountId)
  for (const budget of ['directory', 'permits']) {
    expect(ofAccount).toContainEqual(expect.objectContaining({ budget, kind: 'hard', level: 'account' }))
  }
  expect(ofAccount.length).toBeLessThan(40)
  const acts = await withStore(fixture.data, async (store) => store.acts.rows(0, 999))
  expect(acts.filter(({ type }) => type === 'budget.spent').length).toBeGreaterThan(1)

  const asked = performance.now()
  expect((await spoken('revoke', '--account', stolen.accountId)).exitCode).toBe(0)
  for (const session of sessions) await session.closed
  const endedMs = performance.now() - asked
  console.log(`${sessions.length} sessions ended ${Math.round(endedMs)} ms after the command`)
  expect(endedMs).toBeLessThan(60_000)
  for (const { token } of sessions) {
    expect((await ask(fixture.address, 'GET', '/v1/directory', { token })).status).toBe(401)
  }
})

test('a link that was reserved beforehand does not undo the command', async () => {
  const stolen = await fixture.enrol('Compte volé', 0)
  const session = await TestClient.connect(fixture.address, stolen)
  const { linkId } = await offerLink(fixture.address)
  const { deviceId, secret } = await answerLink(fixture.address, session.token, linkId)
  expect((await spoken('revoke', '--account', stolen.accountId)).exitCode).toBe(0)
  const body = completeBody(linkId, secret, siblingOf(stolen, deviceId))
  expect(await ask(fixture.address, 'POST', '/v1/link/complete', { body })).toEqual({
    status: 404,
    body: { code: 'link.unknown' },
  })
  await session.closed
})

/** What the directory showed an account, as its budget counts it. */
async function shown(accountId: string): Promise<number> {
  const { out } = await spoken('budgets', 'show', '--account', accountId, '--json')
  const uses = JSON.parse(out) as { readonly budget: string; readonly used: number }[]
  return uses.find(({ budget }) => budget === 'directory')?.used ?? NaN
}

async function spoken(...args: string[]): Promise<{ readonly exitCode: number; readonly out: string }> {
  const lines: string[] = []
  const exitCode = await execute([...args, '--data', fixture.data], {
    language: 'en',
    version: '0',
    environment: {},
    out: (line) => lines.push(line),
    error: (line) => lines.push(line),
    ended: Promise.resolve(),
    onReload: () => undefined,
  })
  return { exitCode, out: lines.join('\n') }
}

test('a person who looks up 30 colleagues by typing is far from any limit', async () => {
  now = Date.now()
  for (const [how, letterCounts] of [
    ['four letters, one question', [4]],
    ['slowly, a question at each letter from the third', [3, 4]],
  ] as const) {
    const person = await fixture.enrol('Personne', 0)
    const client = await TestClient.connect(fixture.address, person)
    let found = 0
    for (const name of peopleNames(people).filter((_, n) => n % 20 === 7)) {
      const surname = name.split(' ').slice(1).join(' ')
      const typed = [...letterCounts.map((count) => surname.slice(0, count)), name]
      for (const query of typed) {
        const page = await call(fixture.address, 'directory', { token: client.token, query: { query } })
        if (page.entries.some(({ displayName }) => displayName === name)) {
          found += 1
          break
        }
      }
    }
    await client.end()
    // What was taken ahead is given back after a moment.
    await expect.poll(async () => shown(person.accountId)).toBeLessThan(75)
    const used = await shown(person.accountId)
    console.log(`30 colleagues looked up, ${how}: ${found} found, ${used} people shown of 150 and 200`)
    expect(found).toBe(30)
  }
})
