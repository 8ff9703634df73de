import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { readyPath, routes, socketPath } from '../wire/http.ts'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { relayFixture } from './testing/fixture.ts'
import { postgresServer } from './testing/postgres.ts'
import { bundleRelay, type ListeningProgram, type RelayProgram } from './testing/program.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'
import { returnSpreadMs } from './socket/hub.ts'

let program: RelayProgram
let folder: string
let data: string
let bob: EnrolledDevice

beforeAll(async () => {
  program = await bundleRelay()
  folder = await mkdtemp(join(tmpdir(), 'valise-stop-'))
  data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
  const relay = await program.listen(data)
  const { code } = await createInvitation({ data, name: 'Bob', address: relay.address })
  bob = await enrolDevice(relay.address, code)
  expect(await relay.kill('SIGINT')).toBe(0)
})

afterAll(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

/** Puts without a pause until the connection ends; returns what was acknowledged. */
async function load(client: AnonymousClient): Promise<readonly string[]> {
  const acknowledged: string[] = []
  const one = async (): Promise<void> => {
    for (;;) {
      const id = randomBytes(16)
      const { outcome } = await client.put(bob, randomBytes(500), id)
      if (outcome.case === 'stored') acknowledged.push(toHex(id))
    }
  }
  await Promise.allSettled(Array.from({ length: 32 }, one))
  return acknowledged
}

test('ended in the middle of load, the relay has all that it acknowledged and says when to come back', async () => {
  const relay = await program.listen(data)
  const clients = await Promise.all([1, 2, 3].map(async () => AnonymousClient.connect(relay.address)))
  const loads = clients.map(load)
  const reader = await TestClient.connect(relay.address, bob)
  await expect.poll(() => reader.inbox.some((frame) => frame.case === 'deliver')).toBe(true)
  expect(await relay.kill('SIGTERM')).toBe(0)
  const acknowledged = (await Promise.all(loads)).flat()
  for (const client of [...clients, reader]) {
    expect((await client.closed).code).toBe(1001)
    const refusal = client.inbox.find((frame) => frame.case === 'refusal')?.value
    expect(refusal).toMatchObject({ code: 'relay.unavailable' })
  }
  expect(relay.log()).toContain('relay stopped"')
  expect(acknowledged.length).toBeGreaterThan(0)
  const there = await queued()
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
})

/** Ids of what waits for Bob, who takes it. */
async function queued(): Promise<ReadonlySet<string>> {
  const relay = await program.listen(data)
  const reader = await TestClient.connect(relay.address, bob)
  const ids = new Set<string>()
  let empty = false
  void reader.next('queueEmpty').then(() => (empty = true))
  while (!empty || reader.inbox.some((frame) => frame.case === 'deliver')) {
    const envelopes = await reader.envelopes(1, 300).catch(() => [])
    for (const { messageId } of envelopes) ids.add(toHex(messageId))
    if (envelopes.length > 0) reader.acknowledge(envelopes)
  }
  expect(await relay.kill('SIGTERM')).toBe(0)
  return ids
}

/** A device that has been let in and then answers nothing, not even a close. */
async function silent(relay: ListeningProgram): Promise<Socket> {
  const { hostname, port } = new URL(relay.address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET ${socketPath} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

test('who does not answer the close holds a stop up for no more than moments; a second signal ends it at once', async () => {
  const patient = await program.listen(data)
  const first = await silent(patient)
  expect(await patient.kill('SIGTERM')).toBe(0)
  first.destroy()

  const hurried = await program.listen(data)
  const second = await silent(hurried)
  // Right after the first: a stop that waits for nobody else takes two seconds.
  hurried.process.kill('SIGTERM')
  expect(await hurried.kill('SIGINT')).toBe(1)
  expect(hurried.log()).not.toContain('relay stopped')
  second.destroy()
})

test('a relay that stops is not ready and takes nobody new', async () => {
  const fixture = await relayFixture({ operations: { host: '127.0.0.1', port: 0, version: '' } })
  const { hostname, port } = new URL(fixture.address)
  const idle = connect(Number(port), hostname)
  await new Promise((resolve) => idle.once('connect', resolve))
  const ready = fetch(fixture.address + readyPath)
  expect((await ready).status).toBe(200)
  const stopping = fixture.relay.stop()
  const operations = `${fixture.relay.operations}/ready`
  const answers = [
    await fetch(operations).then(
      ({ status }) => status,
      () => 503,
    ),
  ]
  await stopping
  answers.push(
    await fetch(fixture.address + readyPath).then(
      ({ status }) => status,
      () => 503,
    ),
  )
  expect(answers).toEqual([503, 503])
  idle.destroy()
  await fixture.end()
})

/** A request whose head the relay has read, and whose body of two bytes has not come. */
async function begunRequest(
  address: string,
): Promise<{ readonly socket: Socket; readonly answer: () => string }> {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
  const { method, path } = routes.invitation
  const length = 'Content-Type: application/json\r\nContent-Length: 2'
  // The head is read when the server asks for the rest (RFC 9110 section 10.1.1).
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${length}\r\nExpect: 100-continue\r\n\r\n`)
  await expect.poll(() => answer).toContain('100 Continue')
  return { socket, answer: () => answer }
}

test('a request that was begun is answered before a stop has ended', async () => {
  const fixture = await relayFixture()
  const { socket, answer } = await begunRequest(fixture.address)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  let ended = false
  const stopping = fixture.relay.stop().then(() => (ended = true))
  await expect.poll(async () => fetch(fixture.address + readyPath).then(({ status }) => status)).toBe(503)
  expect(ended).toBe(false)
  socket.write('{}')
  await closed
  expect(answer()).toContain('HTTP/1.1 400')
  await stopping
  await fixture.end()
})

test('requests whose client has gone hold no stop up, also those that waited behind another one', async () => {
  const fixture = await relayFixture()
  const { socket } = await begunRequest(fixture.address)
  socket.write(`{}${`GET ${readyPath} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(5)}`)
  socket.resetAndDestroy()
  await fixture.relay.stop()
  await fixture.end()
})

test('the more connections, the longer the time over which they come back', () => {
  expect([0, 500, 5_000, 1_000_000].map(returnSpreadMs)).toEqual([1_000, 1_000, 10_000, 120_000])
})

test.runIf(process.env['VALISE_LONG'] === '1')(
  'a database that answers nothing holds a stop up for no longer than was set, and nothing is acknowledged',
  async () => {
    const server = await postgresServer()
    const url = await server.database()
    const shared = join(folder, 'shared')
    await initRelay({ data: shared, organisation: 'X', postgresUrl: url })
    const relay = await program.listen(shared, ['--stop-seconds', '2'])
    const { code } = await createInvitation({ data: shared, name: 'Ada', address: relay.address })
    const ada = await enrolDevice(relay.address, code)
    const client = await AnonymousClient.connect(relay.address)
    const holder = new Client({ connectionString: url })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('LOCK TABLE valise.mailboxes IN ACCESS EXCLUSIVE MODE')
    const put = client.put(ada, randomBytes(100)).then(
      ({ outcome }) => outcome.case,
      () => 'closed',
    )
    const begun = Date.now()
    expect(await relay.kill('SIGTERM')).toBe(0)
    console.log(`stopped within ${Date.now() - begun} ms`)
    expect(relay.log()).toContain('relay stopped late')
    expect(await put).not.toBe('stored')
    await holder.end()
    await server.end()
  },
)
