import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessKeyHeader, routes, type RouteName } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { ask, type EnrolledDevice, type HttpAnswer } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { sampleRequests, type SampleRequest } from '../testing/fuzz/samples.ts'
import { AnonymousClient, TestClient } from '../testing/sockets.ts'

const endless = { requests: 1_000_000, perMs: 60_000 }
let now = Date.now()
let fixture: RelayFixture
let alice: EnrolledDevice
let bob: EnrolledDevice
let samples: readonly SampleRequest[]

beforeAll(async () => {
  const budgets = { address: endless, link: endless, device: endless, directory: endless, bundle: endless }
  fixture = await relayFixture({ budgets, clock: { now: () => now } })
  alice = await fixture.enrol('Alice')
  bob = await fixture.enrol('Bob')
  samples = sampleRequests({
    device: alice,
    token: await tokenOf(alice),
    code: await fixture.invite('Carol'),
  })
})

afterAll(async () => fixture.end())

async function tokenOf(device: EnrolledDevice): Promise<string> {
  const client = await TestClient.connect(fixture.address, device)
  await client.end()
  return client.token
}

type Change = (sample: SampleRequest) => {
  readonly query?: string
  readonly raw?: string
  readonly headers?: Record<string, string>
}

async function sendChanged(sample: SampleRequest, change: Change): Promise<HttpAnswer> {
  const { query = queryOf(sample), raw, headers = sample.headers } = change(sample)
  const body = raw ?? (sample.body === null ? undefined : JSON.stringify(sample.body))
  return ask(fixture.address, sample.method, `${sample.path}${query}`, {
    headers,
    ...(body === undefined ? {} : { raw: body }),
  })
}

function queryOf({ query }: SampleRequest): string {
  const entries = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries).toString()}`
}

const fields = (value: unknown): readonly string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : []

function deep(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

/** Each is tried on every route that has a body. */
const badBodies: Readonly<Record<string, Change>> = {
  'no body': () => ({ raw: '' }),
  'no object': () => ({ raw: '[]' }),
  null: () => ({ raw: 'null' }),
  'a text': () => ({ raw: '"x"' }),
  'an empty object': () => ({ raw: '{}' }),
  'broken JSON': () => ({ raw: '{"a":' }),
  'one more field': ({ body }) => ({ raw: JSON.stringify({ ...Object(body), more: 1 }) }),
  'a prototype': ({ body }) => ({
    raw: JSON.stringify({ ...Object(body) }).replace('{', '{"__proto__":{},'),
  }),
  'each field of a wrong type': ({ body }) => ({
    raw: JSON.stringify(Object.fromEntries(fields(body).map((name) => [name, { a: [1] }]))),
  }),
  'each field twice in a list': ({ body }) => ({ raw: JSON.stringify([body, body]) }),
  'fifty thousand levels': () => ({ raw: deep(50_000) }),
  'a field fifty thousand levels deep': ({ body }) => ({
    raw: `{${fields(body)
      .map((name) => `"${name}":${deep(5_000)}`)
      .join()}}`,
  }),
  'a number out of range': ({ body }) => ({
    raw: `{${fields(body)
      .map((name) => `"${name}":1e999`)
      .join()}}`,
  }),
}

test.each(Object.entries(badBodies))('on every route: %s is refused by a code', async (_name, change) => {
  for (const sample of samples.filter(({ body }) => body !== null)) {
    // A route all of whose fields may be left out takes an empty object.
    if (routes[sample.route].body?.safeParse({}).success === true && change(sample).raw === '{}') continue
    expect({ route: sample.route, ...(await sendChanged(sample, change)) }).toEqual({
      route: sample.route,
      status: 400,
      body: { code: 'request.malformed' },
    })
  }
})

test('on every route: a body over the limit is refused before it is looked at', async () => {
  const raw = JSON.stringify('x'.repeat(limits.httpBodyBytes))
  for (const sample of samples.filter(({ body }) => body !== null)) {
    expect(await sendChanged(sample, () => ({ raw }))).toEqual({
      status: 413,
      body: { code: 'request.tooLarge' },
    })
  }
})

test('on every route: one more, one missing and one repeated parameter', async () => {
  for (const sample of samples) {
    const proper = queryOf(sample)
    const more = `${proper === '' ? '?' : `${proper}&`}more=1`
    const queries = proper === '' ? [more] : [more, `${proper}&${proper.slice(1)}`]
    if (routes[sample.route].query.safeParse({}).success === false) queries.push('')
    for (const query of queries) {
      const answer = await sendChanged(sample, () => ({ query }))
      expect({ route: sample.route, query, ...answer }).toMatchObject({
        status: 400,
        body: { code: 'request.malformed' },
      })
    }
  }
})

test('on every route of a device: no token, a foreign one, one with anything changed, one of another kind', async () => {
  const token = await tokenOf(alice)
  const flipped = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
  const wrong = [
    {},
    { authorization: '' },
    { authorization: token },
    { authorization: `Basic ${token}` },
    { authorization: `Bearer ${flipped}` },
    { authorization: `Bearer ${token.slice(0, -4)}` },
    { authorization: `Bearer ${token}AAAA` },
    { authorization: `Bearer ${'A'.repeat(5_000)}` },
  ]
  for (const sample of samples.filter(({ route }) => accessOf(route) === 'device')) {
    for (const headers of wrong) {
      const answer = await sendChanged(sample, () => ({ headers }))
      expect({ route: sample.route, ...answer }).toMatchObject({
        status: 401,
        body: { code: 'relay.unauthorised' },
      })
    }
  }
})

test('on every anonymous route: nothing shown, another’s key, a key of another length, a token', async () => {
  const token = await tokenOf(alice)
  const wrong = [
    {},
    { [accessKeyHeader]: '' },
    { [accessKeyHeader]: Buffer.from(bob.accessKey).toString('base64url') },
    { [accessKeyHeader]: 'AAAA' },
    { authorization: `Bearer ${token}` },
  ]
  for (const sample of samples.filter(({ route }) => accessOf(route) === 'anonymous')) {
    for (const headers of wrong) {
      const answer = await sendChanged(sample, () => ({ headers }))
      expect({ route: sample.route, ...answer }).toMatchObject({
        status: 403,
        body: { code: 'access.denied' },
      })
    }
  }
})

test('what names another account’s device changes nothing of it', async () => {
  const token = await tokenOf(alice)
  const revision = await revisionOf(bob)
  const remove = await ask(fixture.address, 'DELETE', '/v1/devices?deviceId=2', { token })
  expect(remove).toEqual({ status: 404, body: { code: 'device.notFound' } })
  const [own] = samples.filter(({ route }) => route === 'linkComplete')
  const foreign = { ...Object(own?.body), accountId: bob.accountId }
  const linked = await ask(fixture.address, 'POST', '/v1/link/complete', { body: foreign })
  expect(linked.status).toBe(404)
  expect(await revisionOf(bob)).toBe(revision)
})

async function revisionOf(device: EnrolledDevice): Promise<bigint> {
  const client = await TestClient.connect(fixture.address, device)
  await client.end()
  return client.welcome.devicesRevision
}

test('a clock that jumps by hours, forth and back: tokens end, what waits comes in order, its time does not fall', async () => {
  const sender = await AnonymousClient.connect(fixture.address)
  const before = await tokenOf(alice)
  const hours = 3_600_000
  for (const jump of [0, 5 * hours, -9 * hours, 4 * hours]) {
    now += jump
    expect((await sender.put(bob, Buffer.from(String(jump)))).outcome.case).toBe('stored')
    const late = jump === 5 * hours
    const answer = await ask(fixture.address, 'GET', '/v1/keys', { token: before })
    expect(answer.status).toBe(late ? 401 : 200)
    expect((await ask(fixture.address, 'GET', '/v1/keys', { token: await tokenOf(alice) })).status).toBe(200)
  }
  const reader = await TestClient.connect(fixture.address, bob)
  const envelopes = await reader.envelopes(4)
  const times = envelopes.map(({ receivedAt }) => Number(receivedAt))
  expect(envelopes.map(({ body }) => Number(Buffer.from(body).toString()))).toEqual([
    0,
    5 * hours,
    -9 * hours,
    4 * hours,
  ])
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  await Promise.all([sender.end(), reader.end()])
})

function accessOf(route: RouteName): string {
  return routes[route].access
}
