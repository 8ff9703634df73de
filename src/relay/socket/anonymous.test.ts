import { randomBytes } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import { ClientFrameSchema } from '../../wire/relay_pb.ts'
import { call, hashOf, messageIdOf, uuidOf, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { linkDevice } from '../testing/linking.ts'
import { drawPermits } from '../testing/permits.ts'
import { AnonymousClient, envelopeTo, TestClient, type PutResultValue } from '../testing/sockets.ts'

const dayMs = 24 * 3_600_000
let now = 20_000 * dayMs + dayMs / 2
let fixture: RelayFixture
let alice: EnrolledDevice
let bob: EnrolledDevice
let nobody: AnonymousClient

beforeEach(async () => {
  now = 20_000 * dayMs + dayMs / 2
  fixture = await relayFixture({ clock: { now: () => now } })
  alice = await fixture.enrol('Alice')
  bob = await fixture.enrol('Bob')
  nobody = await AnonymousClient.connect(fixture.address)
})

afterEach(async () => fixture.end())

const connect = async (device: EnrolledDevice): ReturnType<typeof TestClient.connect> =>
  TestClient.connect(fixture.address, device)

const codeOf = ({ outcome }: PutResultValue): string =>
  outcome.case === 'refusal' ? outcome.value.code : String(outcome.case)

async function permits(count: number, device = alice): Promise<Uint8Array[]> {
  const client = await connect(device)
  const drawn = await drawPermits(fixture.address, client.token, count, now)
  await client.end()
  return drawn
}

const put = async (
  body: string,
  options: Parameters<AnonymousClient['put']>[3],
  id: Uint8Array = randomBytes(16),
): Promise<string> => codeOf(await nobody.put(bob, utf8(body), id, options))

describe('the socket of nobody', () => {
  test('greets first, and takes nothing but anonymous puts', async () => {
    const client = new AnonymousClient(fixture.address)
    expect(await client.next('greeting')).toMatchObject({
      relayId: fixture.relay.relayId,
      protocolVersion,
      relayTime: BigInt(now),
    })
    const frames: Parameters<AnonymousClient['send']>[0][] = [
      { case: 'requestToken', value: {} },
      { case: 'put', value: { requestId: 1, destination: uuidOf(bob.accountId), envelopes: [] } },
      { case: 'acknowledge', value: { queueIds: [1n] } },
      { case: 'anonymousPut', value: {} },
    ]
    for (const frame of frames) {
      const other = await AnonymousClient.connect(fixture.address)
      other.send(frame)
      expect(await other.next('refusal')).toMatchObject({ code: 'frame.malformed' })
      expect(await other.closed).toEqual({ code: 1008 })
    }
    client.socket.send('text')
    expect(await client.next('refusal')).toMatchObject({ code: 'frame.malformed' })
  })

  test('whatever bytes come: an answer or a close, and the relay goes on', async () => {
    const frame = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc
        .record({
          ephemeral: fc.boolean(),
          authorisation: fc.oneof(
            fc.record({
              case: fc.constantFrom('accessKey' as const, 'permit' as const),
              value: fc.uint8Array(),
            }),
            fc.constant({ case: 'accessKey' as const, value: bob.accessKey }),
          ),
          put: fc.record({
            requestId: fc.nat(),
            destination: fc.oneof(fc.constant(uuidOf(bob.accountId)), fc.uint8Array({ maxLength: 17 })),
            someDevices: fc.boolean(),
            envelopes: fc.array(
              fc.record({
                deviceId: fc.nat(200),
                registrationId: fc.nat(20_000),
                messageId: fc.uint8Array({ minLength: 15, maxLength: 17 }),
                body: fc.uint8Array({ maxLength: 20 }),
              }),
              { maxLength: 3 },
            ),
          }),
        })
        .map((value) =>
          toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: { case: 'anonymousPut', value } })),
        ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), async (frames) => {
        const client = await AnonymousClient.connect(fixture.address)
        for (const bytes of frames) client.socket.send(bytes)
        const answered = client.put(bob, utf8('alive')).then(() => true)
        expect(await Promise.race([answered, client.closed.then(() => true)])).toBe(true)
        await answered.catch(() => undefined)
        await client.end()
      }),
      { numRuns: 60 },
    )
    expect(await put('alive', { accessKey: bob.accessKey })).toBe('stored')
  })

  test('a device cannot write to others on its own socket, nor put anonymously there', async () => {
    const a = await connect(alice)
    expect(codeOf(await a.put(bob.accountId, [envelopeTo(bob, utf8('x'))]))).toBe('put.notAnonymous')
    const second = await linkDevice(fixture.address, alice, a.token)
    expect(codeOf(await a.put(alice.accountId, [envelopeTo(second, utf8('x'))]))).toBe('stored')
    a.send({ case: 'anonymousPut', value: { put: { requestId: 1 } } })
    expect(await a.next('refusal')).toMatchObject({ code: 'frame.malformed' })
    const b = await connect(bob)
    await b.next('queueEmpty')
    expect(b.inbox).toEqual([])
  })
})

describe('an access key', () => {
  test('opens its own account and no other; none or a changed one is denied', async () => {
    expect(await put('x', { accessKey: bob.accessKey })).toBe('stored')
    const wrong = [{ accessKey: alice.accessKey }, { accessKey: bob.accessKey.subarray(1) }, {}]
    for (const options of wrong) expect(await put('x', options)).toBe('access.denied')
    const b = await connect(bob)
    const accessKeyHash = hashOf(alice.accessKey)
    await call(fixture.address, 'accessKey', { token: b.token, body: { accessKeyHash } })
    expect(await put('x', { accessKey: bob.accessKey })).toBe('access.denied')
    expect(await put('x', { accessKey: alice.accessKey })).toBe('stored')
  })
})

describe('a permit', () => {
  test('pays for one put; the same put may be repeated after it was read, and over a restart', async () => {
    const [permit, other] = await permits(2)
    if (permit === undefined || other === undefined) throw new Error('no permits')
    const id = messageIdOf('paid')
    expect(await put('a', { permit }, id)).toBe('stored')
    expect(await put('a', { permit }, id)).toBe('stored')
    expect(await put('b', { permit })).toBe('permit.invalid')
    const b = await connect(bob)
    const envelopes = await b.envelopes(1)
    b.acknowledge(envelopes)
    await b.end()
    fixture = await fixture.restart()
    nobody = await AnonymousClient.connect(fixture.address)
    expect(await put('a', { permit }, id)).toBe('stored')
    expect(await put('b', { permit })).toBe('permit.invalid')
    expect(await put('b', { permit: other })).toBe('stored')
    const again = await connect(bob)
    const bodies = (await again.envelopes(1)).map((e) => Buffer.from(e.body).toString())
    expect(bodies).toEqual(['b'])
  })

  test('forged, altered, of another relay or expired is worth nothing', async () => {
    const [permit] = await permits(1)
    if (permit === undefined) throw new Error('no permit')
    for (let at = 0; at < permit.length; at += 1) {
      const altered = Uint8Array.from(permit, (byte, n) => (n === at ? byte ^ 1 : byte))
      expect(await put('x', { permit: altered })).toBe('permit.invalid')
    }
    for (const wrong of [randomBytes(65), new Uint8Array(0), permit.subarray(1)])
      expect(await put('x', { permit: wrong })).toBe('permit.invalid')
    const elsewhere = await relayFixture({ clock: { now: () => now } })
    const stranger = await TestClient.connect(elsewhere.address, await elsewhere.enrol('Alice'))
    const [foreign] = await drawPermits(elsewhere.address, stranger.token, 1, now)
    expect(await put('x', { permit: foreign ?? new Uint8Array(0) })).toBe('permit.invalid')
    await elsewhere.end()
    now += 3 * dayMs
    expect(await put('x', { permit })).toBe('permit.invalid')
    now -= 3 * dayMs
    expect(await put('x', { permit })).toBe('stored')
  })

  test('brings an account so many puts an hour; the one that was refused is not spent', async () => {
    const carol = await fixture.enrol('Carol')
    const all: Uint8Array[] = []
    for (let draws = 0; draws < 4; draws += 1) all.push(...(await permits(limits.permitsAtOnce)))
    all.push(...(await permits(limits.permitPutsPerHour + 1 - all.length, carol)))
    const codes = await Promise.all(all.map(async (permit) => put('x', { permit })))
    expect(codes.filter((code) => code === 'stored')).toHaveLength(limits.permitPutsPerHour)
    expect(codes.at(-1)).toBe('permit.recipientLimit')
    const last = { permit: all.at(-1) ?? new Uint8Array(0) }
    const refusal = await nobody.put(bob, utf8('x'), randomBytes(16), last)
    expect(refusal.outcome.value).toMatchObject({ retryAfterMs: 3_600_000 })
    expect(codeOf(await nobody.put(alice, utf8('x'), randomBytes(16), last))).toBe('stored')
  })

  test('does not pay for what is not kept', async () => {
    const [permit] = await permits(1)
    const options = { permit: permit ?? new Uint8Array(0), ephemeral: true }
    expect(await put('typing', options)).toBe('access.denied')
    expect(await put('x', { permit: options.permit })).toBe('stored')
  })
})

describe('an ephemeral put', () => {
  test('reaches who is connected, is in no queue, and is gone for who is not', async () => {
    const options = { accessKey: bob.accessKey, ephemeral: true }
    expect(await put('nobody hears', options)).toBe('stored')
    const b = await connect(bob)
    await b.next('queueEmpty')
    expect(await put('heard', options)).toBe('stored')
    const [envelope] = await b.envelopes(1)
    expect(envelope).toMatchObject({ queueId: 0n, receivedAt: BigInt(now) })
    expect(Buffer.from(envelope?.body ?? []).toString()).toBe('heard')
    await b.end()
    const again = await connect(bob)
    await again.next('queueEmpty')
    expect(again.inbox).toEqual([])
  })

  test('is authorised and checked like any other', async () => {
    const ephemeral = true
    expect(await put('x', { accessKey: alice.accessKey, ephemeral })).toBe('access.denied')
    const wrong = await nobody.putRaw(
      uuidOf(bob.accountId),
      [{ ...envelopeTo(bob, utf8('x')), registrationId: 1 }],
      { accessKey: bob.accessKey, ephemeral },
    )
    expect(wrong.outcome).toMatchObject({ case: 'deviceMismatch', value: { stale: [1] } })
  })

  test('counts for nothing in flight; who reads too slowly loses it', async () => {
    const b = await connect(bob)
    await b.next('queueEmpty')
    b.socket.pause()
    const options = { accessKey: bob.accessKey, ephemeral: true }
    const body = new Uint8Array(limits.envelopeBytes).fill(7)
    const total = 400
    for (let n = 0; n < total; n += 1) await nobody.put(bob, body, randomBytes(16), options)
    expect(await put('kept', { accessKey: bob.accessKey })).toBe('stored')
    b.socket.resume()
    let got = 0
    for (;;) {
      const { envelopes } = await b.next('deliver')
      const kept = envelopes.some((envelope) => envelope.queueId > 0n)
      if (kept) break
      got += envelopes.length
    }
    expect(got).toBeGreaterThan(0)
    expect(got).toBeLessThan(total)
  })
})

test('a put for some devices goes to these alone', async () => {
  const b = await connect(bob)
  const second = await linkDevice(fixture.address, bob, b.token)
  const to = uuidOf(bob.accountId)
  const one = [envelopeTo(second, utf8('x'))]
  const missing = await nobody.putRaw(to, one, { accessKey: bob.accessKey })
  expect(missing.outcome).toMatchObject({ case: 'deviceMismatch', value: { missing: [1] } })
  expect(codeOf(await nobody.putRaw(to, one, { accessKey: bob.accessKey, someDevices: true }))).toBe('stored')
  expect(await (await connect(second)).envelopes(1)).toHaveLength(1)
})
