import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toBase64Url, toHex } from '../../base/bytes.ts'
import { accessKeyHeader, readyPath } from '../../wire/http.ts'
import { redacted, relayLog } from '../log.ts'
import { ask, messageIdOf, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { AnonymousClient, TestClient } from '../testing/sockets.ts'
import { Readiness } from './readiness.ts'
import { statusSchema } from './status.ts'

let fixture: RelayFixture
let operations: string
let alice: EnrolledDevice
let bob: EnrolledDevice
const log: string[] = []

beforeAll(async () => {
  const logger = pino({ level: 'trace', redact: [...redacted] }, { write: (line) => log.push(line) })
  fixture = await relayFixture({
    operations: { host: '127.0.0.1', port: 0, version: '1.2.3' },
    times: { sampleMs: 20 },
    log: relayLog(logger),
  })
  operations = fixture.relay.operations ?? ''
  alice = await fixture.enrol('Aïcha Benyoucef')
  bob = await fixture.enrol('Bénédicte Œuvrard')
})

afterAll(async () => fixture.end())

async function scrape(): Promise<string> {
  const answer = await fetch(`${operations}/metrics`)
  expect(answer.headers.get('content-type')).toContain('text/plain')
  return answer.text()
}

/** The value of one line; null when there is none. */
function valueOf(metrics: string, line: string): number | null {
  const found = metrics.split('\n').find((candidate) => candidate.startsWith(`valise_relay_${line} `))
  return found === undefined ? null : Number(found.split(' ').at(-1))
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  await expect.poll(check).toBe(true)
}

test('what the relay did is counted, and neither a scrape nor the log of any level says who or what', async () => {
  const marks = { body: `MARKED-${toHex(randomBytes(8))}`, forwarded: '203.0.113.77' }
  const a = await AnonymousClient.connect(fixture.address)
  const b = await TestClient.connect(fixture.address, bob)
  await b.next('queueEmpty')
  for (const name of ['1', '2', '3']) await a.put(bob, Buffer.from(marks.body), messageIdOf(name))
  const envelopes = await b.envelopes(3)
  const stranger = await a.put(bob, Buffer.from(marks.body), messageIdOf('4'), { accessKey: randomBytes(16) })
  expect(stranger.outcome.case).toBe('refusal')
  await ask(fixture.address, 'GET', `/v1/account?accountId=${alice.accountId}`, {
    token: 'stolen-token-of-nobody',
  })
  await ask(fixture.address, 'GET', `/v1/${marks.body}`, { headers: { 'x-forwarded-for': marks.forwarded } })
  await ask(fixture.address, 'POST', '/v1/invitation', { raw: `{"code":"${marks.body}` })
  await ask(fixture.address, 'GET', `/v1/bundle?accountId=${bob.accountId}`, {
    headers: { [accessKeyHeader]: toBase64Url(bob.accessKey) },
  })
  // Frames that are none, in each of the ways that `ws` reports.
  for (const bad of [Buffer.from('ffffff', 'hex'), marks.body]) {
    const client = new TestClient(fixture.address)
    await client.next('challenge')
    client.socket.send(bad)
    await client.closed
  }
  const broken = new TestClient(fixture.address)
  await broken.next('challenge')
  broken.stream.write(Buffer.from([0xff, 0x80, ...Buffer.from(marks.body)]))
  await broken.closed
  await eventually(async () => valueOf(await scrape(), 'queue_envelopes') === 3)

  const metrics = await scrape()
  expect(valueOf(metrics, 'envelopes_stored_total')).toBe(3)
  expect(valueOf(metrics, 'envelopes_delivered_total')).toBe(3)
  expect(valueOf(metrics, 'connections{kind="devices"}')).toBe(1)
  expect(valueOf(metrics, 'connections{kind="anonymous"}')).toBe(1)
  expect(valueOf(metrics, 'refusals_total{of="put",code="access.denied"}')).toBe(1)
  expect(valueOf(metrics, 'refusals_total{of="request",code="relay.unauthorised"}')).toBe(1)
  expect(valueOf(metrics, 'refusals_total{of="connection",code="frame.malformed"}')).toBe(2)
  expect(valueOf(metrics, 'ready')).toBe(1)
  expect(valueOf(metrics, 'budgets_hard_total')).toBe(0)
  expect(valueOf(metrics, 'queue_bytes')).toBe(3 * marks.body.length)
  expect(valueOf(metrics, 'commit_seconds_count')).toBeGreaterThan(0)
  expect(metrics).toContain('valise_relay_nodejs_eventloop_lag_seconds')

  const secrets = [
    ...[alice, bob].flatMap(({ accountId, deviceKey, accessKey }) => [
      accountId,
      toHex(Buffer.from(accountId.replaceAll('-', ''), 'hex')),
      toBase64Url(deviceKey),
      toBase64Url(accessKey),
    ]),
    b.token,
    'stolen-token',
    marks.body,
    marks.forwarded,
    '127.0.0.1',
    'Benyoucef',
    'Œuvrard',
    ...[messageIdOf('1'), messageIdOf('4')].flatMap((id) => [toHex(id), toBase64Url(id)]),
  ]
  expect(log.length).toBeGreaterThan(10)
  for (const secret of secrets) {
    expect(metrics).not.toContain(secret)
    expect(log.join('')).not.toContain(secret)
  }
  b.acknowledge(envelopes)
  await eventually(async () => valueOf(await scrape(), 'queue_envelopes') === 0)
  await a.end()
  await b.end()
})

test('state, health and readiness are told on a port of their own; nothing else is there', async () => {
  const status = statusSchema.parse(await (await fetch(`${operations}/status`)).json())
  expect(status).toMatchObject({ version: '1.2.3', address: fixture.address, ready: true, tls: null })
  for (const path of ['/health', '/ready']) expect((await fetch(operations + path)).status).toBe(200)
  expect((await ask(fixture.address, 'GET', readyPath)).status).toBe(200)
  for (const path of ['/', '/v1/anchors', '/v1/directory'])
    expect((await fetch(operations + path)).status).toBe(404)
  expect((await fetch(`${fixture.address}/metrics`)).status).toBe(404)
})

test('a database that takes nothing makes the relay unready, and says so with a code', async () => {
  const full = await relayFixture({
    operations: { host: '127.0.0.1', port: 0, version: '' },
    database: { maxBytes: 600 * 1024 },
  })
  const to = await full.enrol('Ada')
  const client = await AnonymousClient.connect(full.address)
  const put = async (n: number): Promise<string | undefined> =>
    (await client.put(to, randomBytes(60_000), messageIdOf(`${n}`))).outcome.case
  expect((await fetch(`${full.relay.operations}/ready`)).status).toBe(200)
  let n = 0
  while ((await put(n)) === 'stored') n += 1
  const answer = await fetch(`${full.relay.operations}/ready`)
  expect([answer.status, await answer.json()]).toEqual([503, { ready: false, reason: 'relay.unavailable' }])
  await client.end()
  await full.end()
})

test('readiness writes once a second at most, and a failure of long ago is tried anew', async () => {
  let [now, writes, failing] = [0, 0, false]
  let failedAt: number | null = null
  const write = async (): Promise<void> => {
    writes += 1
    if (failing) throw new Error('no')
  }
  const readiness = new Readiness({ write, failedAt: () => failedAt, now: () => now })
  const look = async (at: number): Promise<unknown> => {
    now = at
    return readiness.look()
  }
  expect([await look(0), await look(999), writes]).toEqual([null, null, 1])
  expect([await look(1_000), writes]).toEqual([null, 2])
  failing = true
  expect([await look(1_500), await look(2_000)]).toEqual([null, 'internal'])
  failing = false
  failedAt = 3_000
  expect([await look(4_000), await look(17_999), await look(18_000)]).toEqual([
    'relay.unavailable',
    'relay.unavailable',
    null,
  ])
  readiness.stop()
  expect(await look(30_000)).toBe('stopping')
})
