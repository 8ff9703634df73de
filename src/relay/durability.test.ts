import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { ask } from './testing/client.ts'
import { relayFixture } from './testing/fixture.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

async function drain(client: TestClient): Promise<Awaited<ReturnType<TestClient['envelopes']>>> {
  const all = []
  let empty = false
  void client.next('queueEmpty').then(() => (empty = true))
  while (!empty || client.inbox.some((frame) => frame.case === 'deliver')) {
    const envelopes = await client.envelopes(1, 300).catch(() => [])
    if (envelopes.length > 0) client.acknowledge(envelopes)
    all.push(...envelopes)
  }
  return all
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
  await expect.poll(async () => (await client.put(bob, randomBytes(8_000))).outcome.case).toBe('stored')
  expect(await ask(fixture.address, 'GET', '/v1/health')).toMatchObject({ status: 200 })
  await client.end()
  await reader.end()
  await fixture.end()
})
