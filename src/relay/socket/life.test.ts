import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { create, toBinary } from '@bufbuild/protobuf'
import { socketPath } from '../../wire/http.ts'
import { ClientFrameSchema } from '../../wire/relay_pb.ts'
import { proof } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { TestClient } from '../testing/sockets.ts'

let fixture: RelayFixture

afterEach(async () => fixture.end())

const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('who does not prove itself in time is refused; who did stays', async () => {
  fixture = await relayFixture({ times: { authenticationMs: 2_000 } })
  const alice = await TestClient.connect(fixture.address, await fixture.enrol('Alice'))
  const stranger = new TestClient(fixture.address)
  expect(await stranger.next('refusal')).toMatchObject({ code: 'relay.unavailable', retryAfterMs: 1_000 })
  expect(await stranger.closed).toEqual({ code: 1008 })
  expect(alice.socket.readyState).toBe(WebSocket.OPEN)
})

test('a relay that stands still for longer than the deadline still takes the proof that waits', async () => {
  fixture = await relayFixture({ times: { authenticationMs: 1_500 } })
  const alice = await fixture.enrol('Alice')
  const client = new TestClient(fixture.address)
  const { relayId, nonce } = await client.next('challenge')
  client.send({ case: 'authenticate', value: proof(alice, relayId, nonce) })
  const until = Date.now() + 2_000
  while (Date.now() < until);
  await client.next('welcome')
  await pause(2_000)
  expect(client.socket.readyState).toBe(WebSocket.OPEN)
})

test('a peer that gives no sign is dropped; one that answers pings stays', async () => {
  fixture = await relayFixture({ times: { keepAliveMs: 1_000 } })
  const alice = await TestClient.connect(fixture.address, await fixture.enrol('Alice'))
  const dead = new WebSocket(fixture.address.replace('http', 'ws') + socketPath, { autoPong: false })
  const code = await new Promise<number>((resolve) => dead.on('close', resolve))
  expect(code).toBe(1006)
  expect(alice.socket.readyState).toBe(WebSocket.OPEN)
})

test('a relay that stands still for longer than two looks still hears who answered', async () => {
  fixture = await relayFixture({ times: { keepAliveMs: 1_000 } })
  const alice = await TestClient.connect(fixture.address, await fixture.enrol('Alice'))
  for (let n = 0; n < 3; n += 1) {
    await new Promise((resolve) => alice.socket.once('ping', resolve))
    const until = Date.now() + 1_500
    while (Date.now() < until);
  }
  await pause(500)
  expect(alice.socket.readyState).toBe(WebSocket.OPEN)
})

test('who asks without taking the answers is not read from', async () => {
  fixture = await relayFixture()
  const alice = await TestClient.connect(fixture.address, await fixture.enrol('Alice'))
  const stream = alice.stream
  alice.socket.pause()
  // Far more than the two kernels' buffers hold: what the relay does not read stays on this side.
  for (let n = 0; n < 14; n += 1) stream.write(tenThousandRequests)
  let waiting = stream.writableLength
  for (let still = 0; still < 8; still += 1) {
    await pause(150)
    if (stream.writableLength !== waiting) still = 0
    waiting = stream.writableLength
  }
  expect(waiting).toBeGreaterThan(1_000_000)
  const bob = await TestClient.connect(fixture.address, await fixture.enrol('Bob'))
  bob.send({ case: 'requestToken', value: {} })
  await bob.next('token')
  alice.socket.terminate()
})

/** Masked WebSocket frames (RFC 6455 section 5.2), each a request for a token and an unknown field of 48 bytes. */
const tenThousandRequests = Buffer.concat(Array.from({ length: 10_000 }, () => requestOnTheWire()))

function requestOnTheWire(): Buffer {
  const unknown = Buffer.concat([Buffer.from([0x7a, 48]), Buffer.alloc(48)])
  const frame = create(ClientFrameSchema, { frame: { case: 'requestToken', value: {} } })
  const payload = Buffer.concat([toBinary(ClientFrameSchema, frame), unknown])
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}
