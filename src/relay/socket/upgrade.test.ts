import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { socketPath } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { RateLimits, usualBudgets } from '../http/budgets.ts'
import { Permits } from '../crypto/permits.ts'
import { generateZkSecretParams } from '../crypto/zkParams.ts'
import { silentLog } from '../log.ts'
import { GenerationCommit } from '../queue/generationCommit.ts'
import { GroupCommit } from '../queue/groupCommit.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { newDevice, proof } from '../testing/client.ts'
import { TestClient } from '../testing/sockets.ts'
import { Tokens } from '../tokens.ts'
import { SocketHub } from './hub.ts'
import { noPeers } from '../peers/peers.ts'
import { PutBudgets } from './putBudgets.ts'

let folder: string
let store: RelayStore
let server: Server
let hub: SocketHub
let port: number
const uncaught: Error[] = []
const collect = (error: Error): number => uncaught.push(error)

beforeAll(async () => {
  process.on('uncaughtException', collect)
  folder = await mkdtemp(join(tmpdir(), 'valise-upgrade-'))
  store = openSqliteStore(join(folder, 'relay.db'))
  const commits = new GroupCommit({
    queues: store.queues,
    clock: systemClock,
    log: silentLog,
    onStored: (envelopes) => hub.stored(envelopes),
    onPressure: (high) => hub.pressure(high),
  })
  hub = new SocketHub({
    peers: noPeers,
    relayId: 'relay',
    store,
    commits,
    generations: new GenerationCommit(store.generations),
    permits: new Permits(generateZkSecretParams()),
    tokens: new Tokens(systemClock),
    putBudgets: new PutBudgets(usualBudgets.put),
    generationBudgets: new PutBudgets(usualBudgets.generation),
    anonymousBudgets: new PutBudgets<string>(usualBudgets.anonymousPut),
    rateLimits: new RateLimits(),
    clock: systemClock,
    log: silentLog,
    addressOf: (request) => request.socket.remoteAddress ?? '',
    times: { ...limits, authenticationMs: 1_500 },
  })
  server = createServer().on('upgrade', (request, stream, head) => hub.upgrade(request, stream, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  port = bound !== null && typeof bound === 'object' ? bound.port : 0
})

afterAll(async () => {
  process.off('uncaughtException', collect)
  server.close()
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

test('a connection that is not read from is not late; what it sent meanwhile is taken', async () => {
  const client = await held(2_500)
  expect(client.inbox).toEqual([])
  hub.pressure(false)
  expect(await client.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
})

test.each([
  ['a path that is no socket', '/nope', '404'],
  ['a socket', socketPath, '101'],
  ['a socket of a relay that stops', socketPath, '503'],
])('a peer that asks for %s and resets ends its own connection only', async (_name, path, status) => {
  if (status === '503') await hub.stop()
  const stream = await asked(path)
  const [answer] = (await once(stream, 'data')) as [Buffer]
  expect(answer.toString()).toContain(`HTTP/1.1 ${status}`)
  stream.resetAndDestroy()
  // The next one is served after the reset has been read.
  const next = await asked(path)
  await once(next, 'data')
  next.destroy()
  expect(uncaught).toEqual([])
})

test('who is turned away and never closes is closed', async () => {
  const stream = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  stream.write(upgradeRequest('/nope'))
  stream.resume()
  await once(stream, 'end')
  const open = async (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  await expect.poll(open).toBe(0)
  stream.destroy()
})

/** A client that sent its proof to a relay whose disk was too slow to take it for so long. */
async function held(ms: number): Promise<TestClient> {
  const client = new TestClient(`http://127.0.0.1:${port}`)
  const { relayId, nonce } = await client.next('challenge')
  hub.pressure(true)
  const device = { ...newDevice(), accountId: randomUUID(), deviceId: 1 }
  client.send({ case: 'authenticate', value: proof(device, relayId, nonce) })
  await new Promise((resolve) => setTimeout(resolve, ms))
  return client
}

async function asked(path: string): Promise<Socket> {
  const stream = connect(port, '127.0.0.1')
  await once(stream, 'connect')
  stream.write(upgradeRequest(path))
  return stream
}

function upgradeRequest(path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
