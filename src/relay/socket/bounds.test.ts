import { WebSocket } from 'ws'
import { afterEach, expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { socketPath } from '../../wire/http.ts'
import { TestClient } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { Strangers } from './strangers.ts'

let fixture: RelayFixture | null = null

afterEach(async () => {
  await fixture?.end()
  fixture = null
})

/** What the handshake was answered. */
async function handshake(address: string): Promise<number> {
  const socket = new WebSocket(address.replace('http', 'ws') + socketPath)
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (request, response) => {
      request.destroy()
      resolve(response.statusCode ?? 0)
    })
  })
}

test('connections have a budget for a network address', async () => {
  fixture = await relayFixture({ budgets: { upgrade: { requests: 3, perMs: 60_000 } } })
  const answers = []
  for (let n = 0; n < 5; n += 1) answers.push(await handshake(fixture.address))
  expect(answers).toEqual([101, 101, 101, 429, 429])
})

test('one address cannot take the places of all strangers; who leaves makes room', () => {
  const strangers = new Strangers<number>(5, 3)
  for (let n = 0; n < 3; n += 1) strangers.add(n, 'a')
  expect([strangers.hasRoom('a'), strangers.hasRoom('b')]).toEqual([false, true])
  strangers.add(3, 'b')
  strangers.add(4, 'b')
  expect(strangers.hasRoom('c')).toBe(false)
  strangers.remove(0)
  strangers.remove(0)
  expect([strangers.hasRoom('a'), strangers.hasRoom('c')]).toEqual([true, true])
})

test('who has proved itself is no stranger any more', async () => {
  fixture = await relayFixture()
  const { address } = fixture
  const alice = await fixture.enrol('Alice', 0)
  const open = Array.from({ length: 499 }, () => new TestClient(address))
  await Promise.all(open.map(async (client) => client.next('challenge')))
  const first = await TestClient.connect(address, alice)
  const last = await TestClient.connect(address, alice)
  expect(first.socket).not.toBe(last.socket)
  await new TestClient(address).next('challenge')
  expect(await handshake(address)).toBe(503)
  for (const client of open) client.socket.terminate()
  await expect.poll(async () => handshake(address)).toBe(101)
})

test('a device that puts more than its budget is told to wait, on every connection, and others are not', async () => {
  fixture = await relayFixture({ budgets: { put: { burst: 5, perSecond: 2 } } })
  const [alice, bob] = [await fixture.enrol('Alice'), await fixture.enrol('Bob')]
  const a = await TestClient.connect(fixture.address, alice)
  const results = await Promise.all(Array.from({ length: 8 }, async () => a.put(bob, utf8('x'))))
  expect(results.map(({ outcome }) => outcome.case)).toEqual([
    ...Array.from({ length: 5 }, () => 'stored'),
    ...Array.from({ length: 3 }, () => 'refusal'),
  ])
  const refusal = results[7]?.outcome.value
  expect(refusal).toMatchObject({ code: 'relay.tooManyRequests' })
  const again = await TestClient.connect(fixture.address, alice)
  expect((await again.put(bob, utf8('y'))).outcome.case).toBe('refusal')
  const b = await TestClient.connect(fixture.address, bob)
  expect((await b.put(alice, utf8('z'))).outcome.case).toBe('stored')
  const waitMs = refusal !== undefined && 'retryAfterMs' in refusal ? refusal.retryAfterMs : 0
  expect(waitMs).toBeGreaterThan(500)
  await new Promise((resolve) => setTimeout(resolve, waitMs))
  expect((await again.put(bob, utf8('y'))).outcome.case).toBe('stored')
})

test('a person’s burst passes as usual', async () => {
  fixture = await relayFixture()
  const [alice, bob] = [await fixture.enrol('Alice'), await fixture.enrol('Bob')]
  const a = await TestClient.connect(fixture.address, alice)
  const results = await Promise.all(Array.from({ length: 1_500 }, async () => a.put(bob, utf8('x'))))
  expect(results.every(({ outcome }) => outcome.case === 'stored')).toBe(true)
})
