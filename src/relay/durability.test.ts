import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { createInvitation, initRelay } from './index.ts'
import { ask, enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { relayFixture } from './testing/fixture.ts'
import { bundleRelay, type RelayProgram } from './testing/program.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

let program: RelayProgram
let folder: string

beforeAll(async () => {
  program = await bundleRelay()
  folder = await mkdtemp(join(tmpdir(), 'valise-durability-'))
})

afterAll(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

const rounds = 5
const inFlight = 64

test('killed five times in the middle of load, the relay has everything that it acknowledged, once and in order', async () => {
  const data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
  let relay = await program.listen(data)
  const enrol = async (name: string): Promise<EnrolledDevice> =>
    enrolDevice(relay.address, (await createInvitation({ data, name, address: relay.address })).code)
  const bob = await enrol('Bob')
  const acknowledged: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    const client = await AnonymousClient.connect(relay.address)
    const load = Promise.all(
      Array.from({ length: inFlight }, async () => keepPutting(client, bob, acknowledged)),
    )
    await waitFor(() => acknowledged.length > (round + 1) * 300)
    await relay.kill('SIGKILL')
    await load
    relay = await program.listen(data)
  }
  const reader = await TestClient.connect(relay.address, bob)
  const received = await drain(reader)
  const ids = received.map((envelope) => toHex(envelope.messageId))
  expect(acknowledged.length).toBeGreaterThan(rounds * 300)
  expect(new Set(ids).size).toBe(ids.length)
  const there = new Set(ids)
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  expect(received.every((e, n) => n === 0 || e.queueId > (received[n - 1]?.queueId ?? 0n))).toBe(true)
  await relay.kill('SIGKILL')
})

async function keepPutting(
  client: AnonymousClient,
  to: EnrolledDevice,
  acknowledged: string[],
): Promise<void> {
  for (;;) {
    const id = randomBytes(16)
    try {
      const result = await client.put(to, randomBytes(1024), id)
      if (result.outcome.case === 'stored') acknowledged.push(toHex(id))
    } catch {
      return
    }
  }
}

async function drain(client: TestClient): Promise<Awaited<ReturnType<TestClient['envelopes']>>> {
  const all = []
  let empty = false
  void client.next('queueEmpty', 10_000).then(() => (empty = true))
  while (!empty || client.inbox.some((frame) => frame.case === 'deliver')) {
    const envelopes = await client.envelopes(1, 300).catch(() => [])
    if (envelopes.length > 0) client.acknowledge(envelopes)
    all.push(...envelopes)
  }
  return all
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('an orderly stop answers what it took', async () => {
  const fixture = await relayFixture()
  const bob = await fixture.enrol('Bob')
  const client = await AnonymousClient.connect(fixture.address)
  const puts = Array.from({ length: 200 }, async () => client.put(bob, randomBytes(100)).catch(() => null))
  await puts[0]
  const again = await fixture.restart()
  expect(await client.closed).toEqual({ code: 1001 })
  const answered = (await Promise.all(puts)).filter((result) => result?.outcome.case === 'stored').length
  expect(answered).toBeGreaterThan(0)
  const reader = await TestClient.connect(again.address, bob)
  expect((await reader.envelopes(answered)).length).toBeGreaterThanOrEqual(answered)
  await reader.end()
  await again.end()
})

test('on a full disk a put is refused and nothing acknowledged is lost; reading makes room again', async () => {
  const fixture = await relayFixture({ database: { maxBytes: 1024 * 1024 } })
  const bob = await fixture.enrol('Bob', 0)
  const client = await AnonymousClient.connect(fixture.address)
  let stored = 0
  let refusal: unknown = null
  while (refusal === null && stored < 1_000) {
    const { outcome } = await client.put(bob, randomBytes(8_000))
    if (outcome.case === 'stored') stored += 1
    else refusal = outcome.value
  }
  expect(refusal).toMatchObject({ code: 'relay.unavailable', retryAfterMs: 1_000 })
  expect(stored).toBeGreaterThan(20)
  const reader = await TestClient.connect(fixture.address, bob)
  const envelopes = await drain(reader)
  expect(envelopes).toHaveLength(stored)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await client.put(bob, randomBytes(8_000))).outcome.case).toBe('stored')
  expect(await ask(fixture.address, 'GET', '/v1/health')).toMatchObject({ status: 200 })
  await client.end()
  await reader.end()
  await fixture.end()
})
