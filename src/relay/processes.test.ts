import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { toBase64Url } from '../base/bytes.ts'
import { refusalSchema, routes } from '../wire/http.ts'
import { limits } from '../wire/limits.ts'
import { administer as administerAccounts } from './data/administration.ts'
import { createInvitation, initRelay, releaseDevice, startRelay, type RunningRelay } from './index.ts'
import type { RelayTimes } from './relay.ts'
import { processClass } from './peers/peerChannel.ts'
import { ask, call, enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { answerLink, completeBody, linkDevice, offerLink, siblingOf } from './testing/linking.ts'
import { administer, postgresServer, type PostgresServer } from './testing/postgres.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

let server: PostgresServer
let folder: string
let data: string
let url: string
let relays: RunningRelay[]
let bob: EnrolledDevice

/** So long that no test passes by the look into the store that stands in for lost hints. */
const never = 600_000

beforeAll(async () => {
  server = await postgresServer()
})
afterAll(async () => server.end())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-processes-'))
  data = join(folder, 'relay')
  url = await server.database()
  await initRelay({ data, organisation: 'X', postgresUrl: url })
  relays = []
})

afterEach(async () => {
  await Promise.all(relays.map(async (relay) => relay.stop()))
  await rm(folder, { recursive: true, force: true })
})

/** Relays that share nothing but the database and a copy of the data folder: as in processes of their own. */
async function started(count: number, times: Partial<RelayTimes> = { peersMs: never }): Promise<string[]> {
  relays = await Promise.all(Array.from({ length: count }, async () => startRelay({ data, times })))
  const addresses = relays.map(({ address }) => address)
  bob = await enrol(addresses[0] ?? '')
  return addresses
}

async function enrol(address: string): Promise<EnrolledDevice> {
  return enrolDevice(address, (await createInvitation({ data, name: 'Bob', address })).code)
}

function at(addresses: readonly string[], n: number): string {
  return addresses[n] ?? ''
}

test('what is put at any process reaches a device at another one: at once, all, once and in order', async () => {
  const addresses = await started(3)
  const reader = await TestClient.connect(at(addresses, 1), bob)
  await reader.next('queueEmpty')
  const senders = await Promise.all(addresses.map(async (address) => AnonymousClient.connect(address)))
  const sent = await Promise.all(
    senders.flatMap((sender) =>
      Array.from({ length: 60 }, async () => {
        const id = randomBytes(16)
        expect((await sender.put(bob, randomBytes(100), id)).outcome.case).toBe('stored')
        return id.toString('hex')
      }),
    ),
  )
  const received: Awaited<ReturnType<TestClient['envelopes']>> = []
  while (received.length < sent.length) {
    const envelopes = await reader.envelopes(1)
    reader.acknowledge(envelopes)
    received.push(...envelopes)
  }
  const ids = received.map(({ messageId }) => Buffer.from(messageId).toString('hex'))
  expect(ids.toSorted()).toEqual(sent.toSorted())
  expect(received.every(({ queueId }, n) => queueId > (received[n - 1]?.queueId ?? 0n))).toBe(true)
  await Promise.all([...senders, reader].map(async (client) => client.end()))
})

test('typing passes, tokens are everybody’s, and a device that is removed is gone everywhere', async () => {
  const addresses = await started(2, { peersMs: never, changesMs: 50 })
  const reader = await TestClient.connect(at(addresses, 1), bob)
  await reader.next('queueEmpty')
  const sender = await AnonymousClient.connect(at(addresses, 0))
  const body = randomBytes(700)
  await sender.put(bob, body, randomBytes(16), { accessKey: bob.accessKey, ephemeral: true })
  expect(Buffer.from((await reader.envelopes(1))[0]?.body ?? [])).toEqual(body)

  const { token } = reader
  expect(await call(at(addresses, 0), 'devices', { token })).toMatchObject({ devices: [{ deviceId: 1 }] })
  await call(at(addresses, 0), 'removeDevice', { token, query: { deviceId: String(bob.deviceId) } })
  expect(await reader.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
  expect(await reader.closed).toEqual({ code: 1008 })
  await sender.end()
})

test('a device is linked at one process by a device at another one, once, and tries are counted for both', async () => {
  const addresses = await started(2)
  const { token } = await TestClient.connect(at(addresses, 0), bob)
  const { linkId } = await offerLink(at(addresses, 1))
  const { deviceId, secret } = await answerLink(at(addresses, 0), token, linkId)
  const take = { body: { linkId: toBase64Url(linkId) } }
  expect((await call(at(addresses, 1), 'linkTake', take)).sealed).not.toBeNull()
  await expect(call(at(addresses, 0), 'linkTake', take)).rejects.toThrow('link.unknown')
  const sibling = siblingOf(bob, deviceId)
  await call(at(addresses, 1), 'linkComplete', { body: completeBody(linkId, secret, sibling) })
  expect(await call(at(addresses, 0), 'devices', { token })).toMatchObject({ devices: [{}, { deviceId }] })
  const codes: string[] = []
  for (let n = 0; n < limits.linkTries; n += 1) {
    const body = { linkId: toBase64Url(randomBytes(32)) }
    const { body: answer } = await ask(at(addresses, n % 2), 'POST', routes.linkFind.path, { token, body })
    codes.push(refusalSchema.parse(answer).code)
  }
  // One of the tries was right.
  expect(codes).toEqual([
    ...Array.from({ length: limits.linkTries - 1 }, () => 'link.unknown'),
    'link.tooManyTries',
  ])
})

test('an administrator’s command ends every session of an account, at all processes', async () => {
  const addresses = await started(3, { peersMs: never })
  const first = await TestClient.connect(at(addresses, 0), bob)
  const linked = await linkDevice(at(addresses, 0), bob, first.token)
  const second = await TestClient.connect(at(addresses, 1), linked)
  const other = await TestClient.connect(at(addresses, 2), await enrol(at(addresses, 2)))
  const by = { by: { kind: 'operator', name: 'root' }, now: Date.now() } as const
  const { accountId } = bob
  await administerAccounts(data, [{ kind: 'disable', accountId }], by)
  for (const client of [first, second]) {
    expect(await client.next('refusal')).toMatchObject({ code: 'account.disabled' })
    expect(await client.closed).toEqual({ code: 1008 })
  }
  for (const address of addresses)
    expect(await ask(address, 'GET', '/v1/devices', { token: first.token })).toMatchObject({ status: 403 })
  await administerAccounts(data, [{ kind: 'enable', accountId }], by)
  const again = await TestClient.connect(at(addresses, 2), bob)
  await administerAccounts(data, [{ kind: 'endDevices', accountId }], by)
  expect(await again.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
  await call(at(addresses, 0), 'devices', { token: other.token })
  await other.end()
})

test('two living runs at two processes are frozen; the same run takes its place over', async () => {
  const addresses = await started(2, { peersMs: never, holderProbeMs: 60_000 })
  const [run, copy] = [randomBytes(16), randomBytes(16)]
  const first = await TestClient.connect(at(addresses, 0), bob, { holder: run })
  const again = await TestClient.connect(at(addresses, 1), bob, { holder: run })
  expect(await first.closed).toEqual({ code: 4001 })

  const double = new TestClient(at(addresses, 0))
  await double.prove(bob, { holder: copy })
  for (const client of [double, again]) {
    expect(await client.next('refusal')).toMatchObject({ code: 'device.frozen' })
    expect(await client.closed).toEqual({ code: 1008 })
  }
  await releaseDevice(data, bob.accountId, bob.deviceId)
  const released = await TestClient.connect(at(addresses, 0), bob, { holder: run })
  await released.end()
})

test('another run takes the place of a dead one at another process', async () => {
  const addresses = await started(2, { peersMs: never, holderProbeMs: 500 })
  const dead = await TestClient.connect(at(addresses, 0), bob, { holder: randomBytes(16) }, false)
  const heir = await TestClient.connect(at(addresses, 1), bob, { holder: randomBytes(16) })
  expect(await dead.closed).toEqual({ code: 4001 })
  await heir.end()
})

test('where hints are lost, a look into the store finds what waits, and two runs of one device', async () => {
  const addresses = await started(2, { peersMs: 300, holderProbeMs: 60_000 })
  const [run, copy] = [randomBytes(16), randomBytes(16)]
  const reader = await TestClient.connect(at(addresses, 1), bob, { holder: run })
  await reader.next('queueEmpty')
  const sender = await AnonymousClient.connect(at(addresses, 0))
  // Without it nothing is heard and nothing said; it is made anew after a while.
  await administer(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = ${processClass} AND objid <> 0`,
  )
  const id = randomBytes(16)
  await sender.put(bob, randomBytes(10), id)
  expect(Buffer.from((await reader.envelopes(1))[0]?.messageId ?? [])).toEqual(id)

  await administer(url, `DELETE FROM valise.presence`)
  const double = new TestClient(at(addresses, 0))
  // On a slow machine a look may have made the place good before it comes.
  await double.prove(bob, { holder: copy })
  for (const client of [double, reader]) {
    expect(await client.next('refusal')).toMatchObject({ code: 'device.frozen' })
  }
  await sender.end()
})
