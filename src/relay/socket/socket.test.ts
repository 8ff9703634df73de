import { randomBytes } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import { ClientFrameSchema } from '../../wire/relay_pb.ts'
import { messageIdOf, proof, uuidOf, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { AnonymousClient, TestClient, type PutResultValue } from '../testing/sockets.ts'

let fixture: RelayFixture
let alice: EnrolledDevice
let bob: EnrolledDevice

beforeAll(async () => {
  fixture = await relayFixture()
  alice = await fixture.enrol('Alice')
  bob = await fixture.enrol('Bob')
})

afterAll(async () => fixture.end())

const connect = async (device: EnrolledDevice): Promise<TestClient> =>
  TestClient.connect(fixture.address, device)
const nobody = async (): Promise<AnonymousClient> => AnonymousClient.connect(fixture.address)

describe('proving oneself', () => {
  test('another key, another device and a wrong version are refused and closed', async () => {
    const tries: [string, (p: ReturnType<typeof proof>) => ReturnType<typeof proof>][] = [
      ['relay.unauthorised', (p) => ({ ...p, accountId: uuidOf(bob.accountId) })],
      ['relay.unauthorised', (p) => ({ ...p, signature: randomBytes(64) })],
      ['relay.unauthorised', (p) => ({ ...p, signature: new Uint8Array(0) })],
      ['relay.deviceGone', (p) => ({ ...p, deviceId: 2 })],
      ['relay.deviceGone', (p) => ({ ...p, accountId: randomBytes(16) })],
      ['frame.malformed', (p) => ({ ...p, accountId: randomBytes(15) })],
      ['frame.malformed', (p) => ({ ...p, holder: randomBytes(15) })],
      ['frame.malformed', (p) => ({ ...p, generation: randomBytes(15) })],
      ['frame.malformed', (p) => ({ ...p, takenUpTo: 2n ** 60n })],
      ['relay.version', (p) => ({ ...p, protocolVersion: protocolVersion + 1 })],
    ]
    for (const [code, change] of tries) {
      const client = new TestClient(fixture.address)
      const { relayId, nonce } = await client.next('challenge')
      client.send({ case: 'authenticate', value: change(proof(alice, relayId, nonce)) })
      expect(await client.next('refusal')).toMatchObject({ code })
      expect(await client.closed).toEqual({ code: 1008 })
    }
  })

  test('a proof that was heard once proves nothing on another connection', async () => {
    const first = new TestClient(fixture.address)
    const heard = await first.next('challenge')
    const recorded = proof(alice, heard.relayId, heard.nonce)
    first.send({ case: 'authenticate', value: recorded })
    await first.next('welcome')
    const second = new TestClient(fixture.address)
    await second.next('challenge')
    second.send({ case: 'authenticate', value: recorded })
    expect(await second.next('refusal')).toMatchObject({ code: 'relay.unauthorised' })
    await first.end()
  })

  test('a proof for another relay’s id is worth nothing here', async () => {
    const client = new TestClient(fixture.address)
    const { nonce } = await client.next('challenge')
    client.send({ case: 'authenticate', value: proof(alice, 'another relay', nonce) })
    expect(await client.next('refusal')).toMatchObject({ code: 'relay.unauthorised' })
  })

  test('before the proof nothing else is taken, after it no second one', async () => {
    const early = new TestClient(fixture.address)
    await early.next('challenge')
    early.send({ case: 'requestToken', value: {} })
    expect(await early.next('refusal')).toMatchObject({ code: 'relay.unauthorised' })
    const late = await connect(alice)
    late.send({ case: 'authenticate', value: proof(alice, 'x', new Uint8Array(32)) })
    expect(await late.next('refusal')).toMatchObject({ code: 'frame.malformed' })
  })

  test('a newer connection of the same device takes over', async () => {
    const old = await connect(alice)
    const young = await connect(alice)
    expect(await old.next('refusal')).toMatchObject({ code: 'profile.inUse' })
    expect(await old.closed).toEqual({ code: 4001 })
    const sender = await nobody()
    await sender.put(alice, utf8('to the young one'))
    const [envelope] = await young.envelopes(1)
    expect(Buffer.from(envelope?.body ?? []).toString()).toBe('to the young one')
    young.acknowledge(envelope === undefined ? [] : [envelope])
    young.send({ case: 'requestToken', value: {} })
    expect((await young.next('token')).value.length).toBeGreaterThan(40)
    await sender.end()
  })
})

describe('bad frames', () => {
  test('a malformed frame is refused and closes its own connection only', async () => {
    const other = await nobody()
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x12, 0x05, 0x01])]) {
      const client = await connect(alice)
      client.socket.send(bytes)
      expect(await client.next('refusal')).toMatchObject({ code: 'frame.malformed' })
      expect(await client.closed).toEqual({ code: 1008 })
    }
    const textual = await connect(alice)
    textual.socket.send('{}')
    expect(await textual.next('refusal')).toMatchObject({ code: 'frame.malformed' })
    expect((await other.put(alice, utf8('still here'))).outcome.case).toBe('stored')
    await other.end()
  })

  test('a frame of an unknown type is refused and the connection goes on', async () => {
    const client = await connect(alice)
    client.socket.send(Buffer.from([0x7a, 0x01, 0x00]))
    expect(await client.next('refusal')).toMatchObject({ code: 'frame.unknownType' })
    client.send({ case: 'requestToken', value: {} })
    await client.next('token')
    await client.end()
  })

  test('an oversized frame closes with 1009', async () => {
    const client = await connect(alice)
    client.socket.send(Buffer.alloc(limits.frameBytes + 1))
    expect(await client.closed).toEqual({ code: 1009 })
  })

  test('a put that is wrong in itself is refused whole and stores nothing', async () => {
    const client = await nobody()
    const { accessKey } = bob
    const good = {
      deviceId: 1,
      registrationId: bob.registrationId,
      messageId: randomBytes(16),
      body: utf8('x'),
    }
    const to = uuidOf(bob.accountId)
    const tries: [string, Promise<PutResultValue>][] = [
      ['frame.malformed', client.putRaw(to, [], { accessKey })],
      ['frame.malformed', client.putRaw(to.subarray(1), [good], { accessKey })],
      ['frame.malformed', client.putRaw(to, [good, good], { accessKey })],
      ['frame.malformed', client.putRaw(to, [{ ...good, messageId: randomBytes(15) }], { accessKey })],
      ['frame.malformed', client.putRaw(to, [{ ...good, body: new Uint8Array(0) }], { accessKey })],
      ['frame.malformed', client.putRaw(to, [{ ...good, deviceId: 128 }], { accessKey })],
      [
        'frame.malformed',
        client.putRaw(to, [{ ...good, registrationId: limits.registrationIdMax + 1 }], { accessKey }),
      ],
      [
        'frame.tooLarge',
        client.putRaw(to, [{ ...good, body: new Uint8Array(limits.envelopeBytes + 1) }], { accessKey }),
      ],
      ['access.denied', client.putRaw(randomBytes(16), [good], { accessKey })],
    ]
    for (const [code, answer] of tries) expect((await answer).outcome).toMatchObject({ value: { code } })
    const mismatch = await client.putRaw(to, [{ ...good, deviceId: 3 }], { accessKey })
    expect(mismatch.outcome).toMatchObject({
      case: 'deviceMismatch',
      value: { missing: [1], extra: [3], stale: [] },
    })
    const stale = await client.putRaw(to, [{ ...good, registrationId: 1 }], { accessKey })
    expect(stale.outcome).toMatchObject({ case: 'deviceMismatch', value: { stale: [1] } })
    await client.end()
  })

  test('whatever bytes come: an answer or a close, and the relay goes on', async () => {
    const healthy = await nobody()
    const frame = fc
      .oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .record({
            requestId: fc.nat(),
            destination: fc.oneof(fc.constant(uuidOf(bob.accountId)), fc.uint8Array({ maxLength: 20 })),
            envelopes: fc.array(
              fc.record({
                deviceId: fc.nat(200),
                registrationId: fc.nat(20_000),
                messageId: fc.uint8Array({ minLength: 14, maxLength: 17 }),
                body: fc.uint8Array({ maxLength: 50 }),
              }),
              { maxLength: 12 },
            ),
          })
          .map((value) =>
            toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: { case: 'put', value } })),
          ),
        fc
          .record({ token: fc.uint8Array({ maxLength: 17 }), stopping: fc.boolean() })
          .map((value) =>
            toBinary(
              ClientFrameSchema,
              create(ClientFrameSchema, { frame: { case: 'confirmGeneration', value } }),
            ),
          ),
        fc
          .array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 3 })
          .map((queueIds) =>
            toBinary(
              ClientFrameSchema,
              create(ClientFrameSchema, { frame: { case: 'acknowledge', value: { queueIds } } }),
            ),
          ),
      )
      .filter((bytes) => bytes.length > 0)
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (frames, known) => {
          const client = known ? await connect(alice) : new TestClient(fixture.address)
          if (!known) await client.next('challenge')
          for (const bytes of frames) client.socket.send(bytes)
          client.send({ case: 'requestToken', value: {} })
          const answered = client.next('token').then(() => true)
          expect(await Promise.race([answered, client.closed.then(() => true)])).toBe(true)
          await answered.catch(() => undefined)
          await client.end()
        },
      ),
      { numRuns: 60 },
    )
    expect((await healthy.put(alice, utf8('alive'))).outcome.case).toBe('stored')
    await healthy.end()
  })

  test('other paths are not upgraded', async () => {
    const socket = new WebSocket(`${fixture.address.replace('http', 'ws')}/v1/elsewhere`)
    const error = await new Promise<Error>((resolve) => socket.on('error', resolve))
    expect(error.message).toContain('404')
  })
})

describe('queues', () => {
  test('a repeated put is answered and delivered once', async () => {
    const a = await nobody()
    const b = await connect(bob)
    await b.next('queueEmpty')
    b.inbox.length = 0
    const id = messageIdOf('again')
    for (let n = 0; n < 3; n += 1) expect((await a.put(bob, utf8('again'), id)).outcome.case).toBe('stored')
    await a.put(bob, utf8('end'))
    const bodies = (await b.envelopes(2)).map((e) => Buffer.from(e.body).toString())
    expect(bodies).toEqual(['again', 'end'])
    await a.end()
    await b.end()
  })

  test('acknowledging what belongs to another device deletes nothing', async () => {
    const carol = await fixture.enrol('Carol')
    const a = await nobody()
    await a.put(carol, utf8('for Carol'))
    const ids = Array.from({ length: 1_000 }, (_, n) => ({ queueId: BigInt(n + 1) }))
    const b = await connect(bob)
    b.acknowledge(ids)
    await a.put(bob, utf8('so that the deletes are through'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const c = await connect(carol)
    expect(await c.envelopes(1)).toHaveLength(1)
    await Promise.all([a.end(), b.end(), c.end()])
  })

  test('draining while others write: all of it once, in order, QueueEmpty in between; unacknowledged comes again', async () => {
    const dora = await fixture.enrol('Dora')
    const a = await nobody()
    const total = 900
    const results: Promise<unknown>[] = []
    const write = (n: number): unknown => results.push(a.put(dora, utf8(String(n))))
    for (let n = 0; n < 400; n += 1) write(n)
    await Promise.all(results)
    const d = await connect(dora)
    const seen: string[] = []
    for (let n = 400; n < total; n += 1) {
      write(n)
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    while (seen.length < total - 100) {
      const { envelopes } = await d.next('deliver')
      seen.push(...envelopes.map((e) => Buffer.from(e.body).toString()))
      d.acknowledge(envelopes)
    }
    await d.next('queueEmpty')
    while (seen.length < total)
      seen.push(...(await d.envelopes(1)).map((e) => Buffer.from(e.body).toString()))
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => String(n)))
    await Promise.all(results)
    await d.end()
    // Deletes follow the acknowledgements in their own time; what was acknowledged stays away in the end.
    const firstAgain = async (): Promise<number> => {
      const again = await connect(dora)
      const [first] = await again.envelopes(1)
      await again.end()
      return Number(Buffer.from(first?.body ?? []).toString())
    }
    await vi.waitUntil(async () => (await firstAgain()) > 600, { timeout: 60_000, interval: 50 })
    await a.end()
  })

  test('a device that acknowledges nothing gets no more than the limit; one that reads nothing stops nobody', async () => {
    const eve = await fixture.enrol('Eve')
    const a = await nobody()
    await Promise.all(Array.from({ length: 300 }, async () => a.put(eve, new Uint8Array(40_000).fill(1))))
    const e = await connect(eve)
    e.socket.pause()
    const b = await connect(bob)
    await b.next('queueEmpty')
    // Answered and delivered while she still reads nothing.
    expect((await a.put(bob, utf8('quick'))).outcome.case).toBe('stored')
    await b.next('deliver')
    e.socket.resume()
    expect(await e.envelopes(limits.deliverInFlight)).toHaveLength(limits.deliverInFlight)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(e.inbox.filter((frame) => frame.case === 'deliver')).toEqual([])
    await Promise.all([a.end(), b.end(), e.end()])
  })
})
