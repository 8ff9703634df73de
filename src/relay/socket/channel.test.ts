import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { channelBinding, channelBindingBytes, unbound } from '../../wire/channel.ts'
import { createInvitation } from '../index.ts'
import { enrolDevice, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { TestClient } from '../testing/sockets.ts'
import { otherTls, testTls } from '../testing/tls.ts'

let plain: RelayFixture
let secure: RelayFixture
let alice: EnrolledDevice

beforeAll(async () => {
  plain = await relayFixture()
  const { data } = plain
  alice = await enrolDevice(
    plain.address,
    (await createInvitation({ data, name: 'A', address: plain.address })).code,
  )
  await plain.relay.stop()
  secure = await relayFixture({ tls: testTls, data })
})

afterAll(async () => {
  await secure.end()
})

/** What the relay says to a proof with this binding; null: welcome. */
async function refusal(address: string, channel?: Uint8Array): Promise<string | null> {
  const client = new TestClient(address)
  await client.prove(alice, {}, ...(channel === undefined ? [] : [Buffer.from(channel)]))
  const answer = await Promise.race([
    client.next('welcome').then(() => null),
    client.next('refusal').then(({ code }) => code),
  ])
  await client.end()
  return answer
}

/** A man in the middle: a TLS channel to the device, another one to the relay, every byte handed on. */
async function middle(files: { readonly certificate: string; readonly key: string }): Promise<Server> {
  const { port } = new URL(secure.address)
  const server = createServer({ cert: files.certificate, key: files.key }, (device: TLSSocket) => {
    const relay = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
    for (const socket of [device, relay]) socket.on('error', () => undefined)
    device.pipe(relay).pipe(device)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('a device that is bound to its channel is let in; one that is not, or to another, is told so', async () => {
  expect(await refusal(secure.address)).toBeNull()
  expect(await refusal(secure.address, unbound)).toBe('relay.channel')
  expect(await refusal(secure.address, new Uint8Array(channelBindingBytes))).toBe('relay.channel')
  expect(await refusal(secure.address, new Uint8Array(31))).toBe('frame.malformed')
})

test.each([
  ['a certificate of its own', otherTls],
  ['the stolen key of the relay', testTls],
])('who stands in the middle with %s and relays the challenge does not get in', async (_name, files) => {
  const server = await middle(files)
  const { port } = server.address() as AddressInfo
  expect(await refusal(`https://127.0.0.1:${port}`)).toBe('relay.channel')
  server.close()
})

test('two channels to one relay have two values, and both ends of one the same', async () => {
  const clients = [new TestClient(secure.address), new TestClient(secure.address)]
  await Promise.all(clients.map(async (client) => client.next('challenge')))
  const [one, two] = clients.map(({ stream }) => Buffer.from(channelBinding(stream)).toString('hex'))
  expect(one).toHaveLength(2 * channelBindingBytes)
  expect(one).not.toBe(two)
  await Promise.all(clients.map(async (client) => client.end()))
})

test('a relay that ends no TLS takes no binding: the device was not told of a proxy', async () => {
  const behind = await relayFixture()
  const { data, address } = behind
  const { code } = await createInvitation({ data, name: 'B', address })
  alice = await enrolDevice(address, code)
  expect(await refusal(address)).toBeNull()
  expect(await refusal(address, new Uint8Array(channelBindingBytes).fill(1))).toBe('relay.channel')
  await behind.end()
})
