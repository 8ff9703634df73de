import { WebSocket } from 'ws'
import { afterEach, expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { socketPath } from '../../wire/http.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { linkDevice } from '../testing/linking.ts'
import { AnonymousClient, envelopeTo, TestClient, type PutResultValue } from '../testing/sockets.ts'
import { Strangers } from './strangers.ts'

let fixture: RelayFixture | null = null
/** However slow the machine: nothing that was spent comes back during a test. */
const slow = { perSecond: 0.001 } as const

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
  fixture = await relayFixture({ budgets: { upgrade: { requests: 3, perMs: 3_600_000 } } })
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
  fixture = await relayFixture({ budgets: { put: { burst: 5, ...slow } } })
  const { address } = fixture
  const alice = await fixture.enrol('Alice')
  const a = await TestClient.connect(address, alice)
  const second = await linkDevice(address, alice, a.token)
  const put = async (client: TestClient): Promise<string | undefined> =>
    (await client.put(alice.accountId, [envelopeTo(second, utf8('x'))])).outcome.case
  const results = await Promise.all(Array.from({ length: 8 }, async () => put(a)))
  expect(results).toEqual([
    ...Array.from({ length: 5 }, () => 'stored'),
    ...Array.from({ length: 3 }, () => 'refusal'),
  ])
  const again = await TestClient.connect(address, alice)
  const { outcome } = await again.put(alice.accountId, [envelopeTo(second, utf8('x'))])
  expect(outcome.value).toMatchObject({ code: 'relay.tooManyRequests' })
  const b = await TestClient.connect(address, second)
  expect((await b.put(alice.accountId, [envelopeTo(alice, utf8('z'))])).outcome.case).toBe('stored')
})

test('a device that waits as it was told puts again', async () => {
  fixture = await relayFixture({ budgets: { put: { burst: 2, perSecond: 4 } } })
  const { address } = fixture
  const alice = await fixture.enrol('Alice')
  const a = await TestClient.connect(address, alice)
  const second = await linkDevice(address, alice, a.token)
  const put = async (): Promise<PutResultValue['outcome']> =>
    (await a.put(alice.accountId, [envelopeTo(second, utf8('x'))])).outcome
  // More than can come back while they are answered.
  const outcomes = await Promise.all(Array.from({ length: 1_000 }, put))
  const last = outcomes.findLast((outcome) => outcome.case === 'refusal')?.value
  const waitMs = last !== undefined && 'retryAfterMs' in last ? last.retryAfterMs : 0
  // Until both may be put again, and never longer.
  expect(waitMs).toBeGreaterThan(250)
  expect(waitMs).toBeLessThanOrEqual(501)
  await new Promise((resolve) => setTimeout(resolve, waitMs))
  expect((await put()).case).toBe('stored')
})

test('puts of nobody have a budget for a network address, on every connection', async () => {
  fixture = await relayFixture({ budgets: { anonymousPut: { burst: 5, ...slow } } })
  const bob = await fixture.enrol('Bob')
  const senders = [
    await AnonymousClient.connect(fixture.address),
    await AnonymousClient.connect(fixture.address),
  ]
  const outcomes = []
  for (let n = 0; n < 7; n += 1) outcomes.push((await senders[n % 2]?.put(bob, utf8('x')))?.outcome)
  expect(outcomes.slice(0, 5).every((outcome) => outcome?.case === 'stored')).toBe(true)
  expect(outcomes[6]?.value).toMatchObject({ code: 'relay.tooManyRequests' })
})

test('a person’s burst passes as usual', async () => {
  fixture = await relayFixture()
  const bob = await fixture.enrol('Bob')
  const a = await AnonymousClient.connect(fixture.address)
  const results = await Promise.all(Array.from({ length: 1_500 }, async () => a.put(bob, utf8('x'))))
  expect(results.every(({ outcome }) => outcome.case === 'stored')).toBe(true)
})

test('who asks for vault generations without end is refused', async () => {
  fixture = await relayFixture({ budgets: { generation: { burst: 3, ...slow } } })
  const alice = await TestClient.connect(fixture.address, await fixture.enrol('Alice'))
  for (let n = 0; n < 3; n += 1) {
    alice.send({ case: 'requestGeneration', value: {} })
    await alice.next('generation')
  }
  alice.send({ case: 'requestGeneration', value: {} })
  expect(await alice.next('refusal')).toMatchObject({ code: 'relay.tooManyRequests' })
})
