import { afterAll, beforeAll, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url, utf8 } from '../base/bytes.ts'
import { accessKeyHeader } from '../wire/http.ts'
import { call, messageIdOf, type EnrolledDevice } from './testing/client.ts'
import { relayFixture, type RelayFixture } from './testing/fixture.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

let fixture: RelayFixture
let alice: EnrolledDevice
let bob: EnrolledDevice

beforeAll(async () => {
  fixture = await relayFixture()
  alice = await fixture.enrol('Alice Dupont')
  bob = await fixture.enrol('Bénédicte Œuvrard')
})

afterAll(async () => fixture.end())

test('an envelope goes from one device to another, live, and is gone after its acknowledgement', async () => {
  const a = await AnonymousClient.connect(fixture.address)
  const b = await TestClient.connect(fixture.address, bob)
  await b.next('queueEmpty')
  const before = Date.now()
  expect((await a.put(bob, utf8('sealed'), messageIdOf('1'))).outcome.case).toBe('stored')
  const after = Date.now()
  const [envelope] = await b.envelopes(1)
  expect(envelope).toMatchObject({ body: Buffer.from('sealed'), messageId: Buffer.from(messageIdOf('1')) })
  expect(Number(envelope?.receivedAt)).toBeGreaterThanOrEqual(before)
  expect(Number(envelope?.receivedAt)).toBeLessThanOrEqual(after)
  b.acknowledge(envelope === undefined ? [] : [envelope])
  await b.end()
  const waiting = async (): Promise<readonly unknown[]> => {
    const again = await TestClient.connect(fixture.address, bob)
    await again.next('queueEmpty')
    await again.end()
    return again.inbox
  }
  await expect.poll(waiting).toEqual([])
  await a.end()
})

test('what was put for an absent device waits for it, also over a restart', async () => {
  const a = await AnonymousClient.connect(fixture.address)
  for (const name of ['x', 'y', 'z']) await a.put(bob, utf8(name), messageIdOf(name))
  await a.end()
  fixture = await fixture.restart()
  const b = await TestClient.connect(fixture.address, bob)
  const envelopes = await b.envelopes(3)
  expect(envelopes.map((envelope) => Buffer.from(envelope.body).toString())).toEqual(['x', 'y', 'z'])
  await b.next('queueEmpty')
  b.acknowledge(envelopes)
  await new Promise((resolve) => setTimeout(resolve, 30))
  await b.end()
})

test('the authenticated routes answer', async () => {
  const { token } = await TestClient.connect(fixture.address, alice)
  const directory = await call(fixture.address, 'directory', { token, query: { query: 'oeuv BENE' } })
  expect(directory.entries.map((entry) => entry.accountId)).toEqual([bob.accountId])
  const bundle = await call(fixture.address, 'bundle', {
    headers: { [accessKeyHeader]: toBase64Url(bob.accessKey) },
    query: { accountId: bob.accountId },
  })
  expect(bundle.devices).toHaveLength(1)
  const { certificate } = await call(fixture.address, 'certificate', { token })
  expect(fromBase64Url(certificate)?.length).toBeGreaterThan(200)
})
