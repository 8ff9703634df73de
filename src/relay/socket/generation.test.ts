import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { verdictOf, type GenerationVerdict } from '../../wire/generation.ts'
import { releaseDevice } from '../index.ts'
import { ask, type EnrolledDevice, type TestVault } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { AnonymousClient, TestClient, type WelcomeClient } from '../testing/sockets.ts'

let fixture: RelayFixture
let alice: EnrolledDevice

beforeEach(async () => {
  fixture = await relayFixture()
  alice = await fixture.enrol('Alice')
})

afterEach(async () => fixture.end())

const connect = async (vault: TestVault = {}, autoPong = true): Promise<WelcomeClient> =>
  TestClient.connect(fixture.address, alice, vault, autoPong)

const verdict = (client: WelcomeClient): GenerationVerdict | null => verdictOf(client.welcome.verdict)

/** A connection that commits and confirms the token of its welcome, as a client does. */
async function settled(
  vault: TestVault,
  stopping = false,
): Promise<{ verdict: string | null; token: Uint8Array }> {
  const client = await connect(vault)
  const token = client.welcome.nextGeneration
  await client.confirm(token, stopping)
  await client.end()
  return { verdict: verdict(client), token }
}

test('first, then current for the same run, unsure for another, current after a stop, and foreign for a copy', async () => {
  const [run, next, last] = [randomBytes(16), randomBytes(16), randomBytes(16)]
  const first = await settled({ holder: run })
  expect(first.verdict).toBe('first')
  const second = await settled({ holder: run, generation: first.token })
  expect(second.verdict).toBe('current')
  fixture = await fixture.restart()
  const third = await settled({ holder: next, generation: second.token }, true)
  expect(third.verdict).toBe('unsure')
  fixture = await fixture.restart()
  const fourth = await settled({ holder: last, generation: third.token })
  expect(fourth.verdict).toBe('current')
  for (const generation of [second.token, third.token, randomBytes(16), new Uint8Array(0)]) {
    const copy = await connect({ holder: last, generation })
    expect(verdict(copy)).toBe('foreign')
    await copy.end()
  }
  expect((await settled({ holder: run, generation: fourth.token })).verdict).toBe('unsure')
})

test('a token whose confirmation was lost counts; before the relay was asked again it is the pending one', async () => {
  const [run, other] = [randomBytes(16), randomBytes(16)]
  const lost = await connect({ holder: run })
  await lost.end()
  fixture = await fixture.restart()
  const again = await connect({ holder: run, generation: lost.welcome.nextGeneration })
  expect(verdict(again)).toBe('current')
  again.send({ case: 'requestGeneration', value: {} })
  const { token } = await again.next('generation')
  expect(token).toHaveLength(16)
  await again.end()
  const later = await connect({ holder: other, generation: token })
  expect(verdict(later)).toBe('unsure')
})

test('a token that is not pending is refused, and the connection closed', async () => {
  for (const wrong of [
    () => randomBytes(16),
    () => new Uint8Array(0),
    (c: WelcomeClient) => c.welcome.nextGeneration,
  ]) {
    const client = await connect()
    // The one of the welcome is not pending any more once another was asked for.
    client.send({ case: 'requestGeneration', value: {} })
    await client.next('generation')
    client.send({ case: 'confirmGeneration', value: { token: wrong(client), stopping: false } })
    expect(await client.next('refusal')).toMatchObject({ code: 'frame.malformed' })
    expect(await client.closed).toEqual({ code: 1008 })
  }
})

test('a vault that is behind what was acknowledged is foreign until it has confirmed', async () => {
  const sender = await AnonymousClient.connect(fixture.address)
  await sender.put(alice, utf8('a'))
  const client = await connect({ takenUpTo: 0n })
  await client.confirm(client.welcome.nextGeneration)
  client.acknowledge(await client.envelopes(1))
  await sender.put(alice, utf8('b'))
  await client.envelopes(1)
  await client.end()
  fixture = await fixture.restart()
  const generation = client.welcome.nextGeneration
  const back = await connect({ generation, takenUpTo: 0n })
  expect(verdict(back)).toBe('foreign')
  await back.confirm(back.welcome.nextGeneration)
  await back.end()
  expect(verdict(await connect({ generation: back.welcome.nextGeneration, takenUpTo: 0n }))).toBe('current')
})

test('two living holders are both stopped, for good, until the administrator releases the device', async () => {
  const [one, two] = [randomBytes(16), randomBytes(16)]
  const first = await connect({ holder: one })
  await first.confirm(first.welcome.nextGeneration)
  const copy = new TestClient(fixture.address)
  await copy.prove(alice, { holder: two, generation: first.welcome.nextGeneration })
  for (const client of [first, copy]) {
    expect(await client.next('refusal')).toMatchObject({ code: 'device.frozen' })
    expect(await client.closed).toEqual({ code: 1008 })
  }
  expect(copy.inbox).toEqual([])
  const refused = { status: 403, body: { code: 'device.frozen' } }
  expect(await ask(fixture.address, 'GET', '/v1/keys', { token: first.token })).toEqual(refused)
  const sender = await AnonymousClient.connect(fixture.address)
  expect((await sender.put(alice, utf8('waits'))).outcome.case).toBe('stored')
  fixture = await fixture.restart()
  const later = new TestClient(fixture.address)
  await later.prove(alice, { holder: one, generation: first.welcome.nextGeneration })
  expect(await later.next('refusal')).toMatchObject({ code: 'device.frozen' })
  await releaseDevice(fixture.data, alice.accountId, alice.deviceId)
  const released = await connect({ holder: one, generation: first.welcome.nextGeneration })
  expect(verdict(released)).toBe('foreign')
  expect(Buffer.from((await released.envelopes(1))[0]?.body ?? []).toString()).toBe('waits')
})

test('a third one that waited for the two is refused as well', async () => {
  const first = await connect({ holder: randomBytes(16) })
  const others = [new TestClient(fixture.address), new TestClient(fixture.address)]
  await Promise.all(others.map(async (client) => client.prove(alice, { holder: randomBytes(16) })))
  for (const client of [first, ...others]) {
    expect(await client.next('refusal')).toMatchObject({ code: 'device.frozen' })
  }
})

test('the same run takes its place back at once, also from a connection that is half open', async () => {
  const holder = randomBytes(16)
  const dead = await connect({ holder }, false)
  const again = await connect({ holder })
  expect(await dead.next('refusal')).toMatchObject({ code: 'profile.inUse' })
  await again.end()
})

test('another run takes the place of a connection that is half open once it stays silent; nothing comes before', async () => {
  await fixture.end()
  fixture = await relayFixture({ times: { holderProbeMs: 4_000 } })
  alice = await fixture.enrol('Alice')
  const dead = await connect({ holder: randomBytes(16) }, false)
  await dead.next('queueEmpty')
  const sender = await AnonymousClient.connect(fixture.address)
  const young = new TestClient(fixture.address)
  await young.prove(alice, { holder: randomBytes(16) })
  await sender.put(alice, utf8('meanwhile'))
  // The old one is served until it has proved dead.
  await dead.envelopes(1)
  expect(young.inbox).toEqual([])
  expect(await dead.next('refusal')).toMatchObject({ code: 'profile.inUse' })
  expect(await dead.closed).toEqual({ code: 4001 })
  await young.next('welcome')
  expect(Buffer.from((await young.envelopes(1))[0]?.body ?? []).toString()).toBe('meanwhile')
})

test('a pong that answers no ping of the probe shows nothing', async () => {
  await fixture.end()
  fixture = await relayFixture({ times: { holderProbeMs: 500 } })
  alice = await fixture.enrol('Alice')
  const old = await connect({ holder: randomBytes(16) }, false)
  const young = new TestClient(fixture.address)
  old.socket.on('ping', () => old.socket.pong(randomBytes(16)))
  await young.prove(alice, { holder: randomBytes(16) })
  await young.next('welcome')
  expect(await old.closed).toEqual({ code: 4001 })
})

test('another run does not wait for a connection that closes', async () => {
  await fixture.end()
  fixture = await relayFixture({ times: { holderProbeMs: 3_600_000 } })
  alice = await fixture.enrol('Alice')
  const old = await connect({ holder: randomBytes(16) }, false)
  const young = new TestClient(fixture.address)
  await young.prove(alice, { holder: randomBytes(16) })
  old.socket.terminate()
  await young.next('welcome')
})
