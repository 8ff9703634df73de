import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { socketPath } from '../wire/http.ts'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { bundleRelay } from './testing/program.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

const long = process.env['VALISE_LONG'] === '1'
const connections = long ? 10_000 : 1_000
/** Opened at once. */
const batch = 100

/** What a half-open connection has said before it fell silent. */
const beginnings = [
  '',
  'GET /v1/anchors HTTP/1.1\r\nhost: re',
  'POST /v1/enrol HTTP/1.1\r\nhost: relay\r\ncontent-length: 500\r\ncontent-type: application/json\r\n\r\n{"code',
  `GET ${socketPath} HTTP/1.1\r\nhost: relay\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
    'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
] as const

test(`${connections} half-open connections, of which none ever says more: everybody else is served`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valise-crowd-'))
  const data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
  const program = await bundleRelay()
  const relay = await program.listen(data)
  const crowd: Socket[] = []
  try {
    const { address } = relay
    const { code } = await createInvitation({ data, name: 'Bob', address })
    const bob = await enrolDevice(address, code)
    const port = Number(new URL(address).port)
    while (crowd.length < connections)
      crowd.push(
        ...(await Promise.all(Array.from({ length: batch }, (_, n) => silent(port, crowd.length + n)))),
      )
    const reader = await connected(address, bob)
    const sender = await AnonymousClient.connect(address)
    expect((await sender.put(bob, Buffer.from('through'))).outcome.case).toBe('stored')
    const [envelope] = await reader.envelopes(1)
    expect(Buffer.from(envelope?.body ?? []).toString()).toBe('through')
    await Promise.all([reader.end(), sender.end()])
    const status = await readFile(`/proc/${relay.process.pid}/status`, 'utf8')
    console.log(`${connections} half-open connections: ${/^VmRSS:\s+(.*)$/m.exec(status)?.[1]} resident`)
    // It stops in order, whatever is open.
    expect(await relay.kill('SIGTERM')).toBe(0)
  } finally {
    for (const socket of crowd) socket.destroy()
    await relay.kill('SIGKILL')
    await program.remove()
    await rm(folder, { recursive: true, force: true })
  }
})

/** As a workstation does: a place is free again when strangers have not proved themselves in time. */
async function connected(address: string, device: EnrolledDevice): Promise<TestClient> {
  for (;;) {
    try {
      return await TestClient.connect(address, device)
    } catch {
      await wait(500)
    }
  }
}

/** From many addresses of this machine, as an attack would come. */
async function silent(port: number, number: number): Promise<Socket> {
  const localAddress = `127.0.${1 + (number >> 8)}.${1 + (number % 250)}`
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(beginnings[number % beginnings.length] ?? '')
  return socket
}
