import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toBase64Url } from '../../base/bytes.ts'
import { accessKeyHeader, blobCapabilityHeader, blobRoutes, permitHeader } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { blobFolder, databaseFile } from '../data/relayData.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { drawPermits } from '../testing/permits.ts'
import { TestClient } from '../testing/sockets.ts'

let now = 1_800_000_000_000
let fixture: RelayFixture
let alice: EnrolledDevice
let permits: Uint8Array[] = []
const megabyte = 1024 * 1024
const options = {
  clock: { now: () => now },
  database: { permitsPerDay: 1_000 },
  blobs: { maxBytes: 8 * megabyte, totalBytes: 20 * megabyte, freeBytes: 0 },
}

beforeAll(async () => {
  fixture = await relayFixture(options)
  alice = await fixture.enrol('Alice Dupont')
})

afterAll(async () => fixture.end())

async function permit(): Promise<Uint8Array> {
  const [first, ...rest] = permits
  if (first !== undefined) {
    permits = rest
    return first
  }
  const client = await TestClient.connect(fixture.address, alice)
  permits = await drawPermits(fixture.address, client.token, limits.permitsAtOnce, now)
  await client.end()
  return permit()
}

interface Answer {
  readonly status: number
  readonly code: unknown
  readonly bytes: Buffer
}

async function answerOf(response: Response): Promise<Answer> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const json: unknown = response.status === 200 && bytes[0] !== 0x7b ? null : JSON.parse(bytes.toString())
  const code = typeof json === 'object' && json !== null && 'code' in json ? json.code : null
  return { status: response.status, code, bytes }
}

interface PutOptions {
  readonly reads?: number | string
  readonly keptMs?: number
  readonly headers?: Record<string, string>
}

const hash = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

async function put(
  capability: Uint8Array,
  body: Uint8Array,
  by: Uint8Array,
  { reads = 2, keptMs = 3_600_000, headers = {} }: PutOptions = {},
): Promise<Answer> {
  const query = new URLSearchParams({
    blobId: toBase64Url(hash(capability)),
    reads: String(reads),
    keptMs: String(keptMs),
  })
  const response = await fetch(`${fixture.address}${blobRoutes.putBlob.path}?${query.toString()}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', [permitHeader]: toBase64Url(by), ...headers },
    body,
  })
  return answerOf(response)
}

async function get(capability: Uint8Array, headers: Record<string, string>): Promise<Answer> {
  const shown = { [blobCapabilityHeader]: toBase64Url(capability), ...headers }
  return answerOf(await fetch(fixture.address + blobRoutes.getBlob.path, { headers: shown }))
}

const paidBy = (by: Uint8Array): Record<string, string> => ({ [permitHeader]: toBase64Url(by) })
const files = async (): Promise<string[]> => readdir(blobFolder(fixture.data))

test('a file comes back whole to who shows its capability, as often as intended, then it is gone', async () => {
  const [capability, body] = [randomBytes(32), randomBytes(3 * megabyte + 17)]
  const [putBy, first, second] = [await permit(), await permit(), await permit()]
  const stored = await put(capability, body, putBy)
  expect([stored.status, JSON.parse(stored.bytes.toString())]).toEqual([200, { expiresAt: now + 3_600_000 }])
  // The answer was lost: the same again, and nothing is stored or spent twice.
  expect((await put(capability, body, putBy)).status).toBe(200)
  expect(await files()).toHaveLength(1)
  const [file = ''] = await files()
  expect(file).toMatch(/^[0-9a-f]{32}$/)
  expect([capability, hash(capability), hash(body)].map((each) => each.toString('hex'))).not.toContain(file)
  expect((await stat(join(blobFolder(fixture.data), file))).mode & 0o777).toBe(0o600)
  expect((await get(capability, paidBy(first))).bytes.equals(body)).toBe(true)
  expect((await get(capability, paidBy(first))).bytes.equals(body)).toBe(true)
  expect((await get(capability, paidBy(second))).status).toBe(200)
  expect(await get(capability, paidBy(await permit()))).toMatchObject({ status: 404, code: 'blob.unknown' })
  now += 600_001
  fixture = await fixture.restart()
  expect(await files()).toEqual([])
})

test('nobody reads or puts without paying once, nor with anything but a permit', async () => {
  const [capability, other] = [randomBytes(32), randomBytes(32)]
  const [putBy, readBy] = [await permit(), await permit()]
  expect((await put(capability, Buffer.from('a'), putBy)).status).toBe(200)
  expect(await put(other, Buffer.from('b'), putBy)).toMatchObject({ status: 403, code: 'permit.invalid' })
  expect(await get(capability, paidBy(putBy))).toMatchObject({ status: 403, code: 'permit.invalid' })
  const key = { [accessKeyHeader]: toBase64Url(alice.accessKey) }
  expect(await get(capability, key)).toMatchObject({ status: 403, code: 'access.denied' })
  expect(await get(capability, {})).toMatchObject({ status: 403, code: 'access.denied' })
  expect(await get(capability, paidBy(randomBytes(65)))).toMatchObject({ code: 'permit.invalid' })
  // What is found by nothing costs nothing, and the id that the relay keeps opens nothing.
  expect(await get(hash(capability), paidBy(readBy))).toMatchObject({ status: 404, code: 'blob.unknown' })
  expect(await get(randomBytes(31), paidBy(readBy))).toMatchObject({ code: 'request.malformed' })
  expect((await get(capability, paidBy(readBy))).bytes.toString()).toBe('a')
  for (let n = 0; n < 5; n += 1) expect((await get(capability, paidBy(readBy))).status).toBe(200)
  expect(await get(capability, paidBy(readBy))).toMatchObject({ code: 'permit.invalid' })
})

test('what is wrong, too large or more than there is room for is refused, and leaves nothing', async () => {
  const before = await files()
  const by = await permit()
  const body = Buffer.from('a')
  const code = async (...args: Parameters<typeof put>): Promise<unknown> => (await put(...args)).code
  expect(await code(randomBytes(32), body, by, { reads: 0 })).toBe('request.malformed')
  expect(await code(randomBytes(32), body, by, { reads: 10_001 })).toBe('request.malformed')
  expect(await code(randomBytes(32), body, by, { reads: '1e2' })).toBe('request.malformed')
  expect(await code(randomBytes(32), body, by, { keptMs: limits.blobMs + 1 })).toBe('request.malformed')
  expect(await code(randomBytes(32), Buffer.alloc(0), by)).toBe('request.malformed')
  expect(await code(randomBytes(32), body, by, { headers: { 'content-type': 'text/plain' } })).toBe(
    'request.malformed',
  )
  expect(await code(randomBytes(32), randomBytes(8 * megabyte + 1), by)).toBe('request.tooLarge')
  const capability = randomBytes(32)
  expect((await put(capability, randomBytes(8 * megabyte), await permit())).status).toBe(200)
  expect((await put(randomBytes(32), randomBytes(8 * megabyte), await permit())).status).toBe(200)
  expect(await put(randomBytes(32), randomBytes(4 * megabyte), by)).toMatchObject({
    status: 507,
    code: 'relay.full',
  })
  // Two at once do not pass the quota together.
  const together = await Promise.all(
    [await permit(), await permit()].map(async (each) =>
      put(randomBytes(32), randomBytes(3 * megabyte), each),
    ),
  )
  expect(together.map(({ status }) => status).toSorted()).toEqual([200, 507])
  expect(await code(capability, randomBytes(8 * megabyte), await permit())).toBe('blob.exists')
  // Nothing of it cost the permit.
  expect((await put(randomBytes(32), body, by)).status).toBe(200)
  expect(await files()).toHaveLength(before.length + 4)
})

test('a body that breaks off leaves nothing, and the permit pays for the next try', async () => {
  const before = await files()
  const [capability, by] = [randomBytes(32), await permit()]
  const { hostname, port } = new URL(fixture.address)
  const socket = connect(Number(port), hostname)
  const path = `${blobRoutes.putBlob.path}?blobId=${toBase64Url(hash(capability))}&reads=1&keptMs=60000`
  socket.write(
    `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n` +
      `Content-Length: 1000000\r\n${permitHeader}: ${toBase64Url(by)}\r\n\r\n${'x'.repeat(200_000)}`,
  )
  await expect.poll(async () => (await files()).some((name) => name.endsWith('.part'))).toBe(true)
  socket.destroy()
  await expect.poll(files).toEqual(before)
  expect((await put(capability, Buffer.from('whole'), by)).status).toBe(200)
})

test('who sends a body slowly, or stops in the middle of one, is let go', async () => {
  const before = await relayFixture(options)
  const anna = await TestClient.connect(before.address, await before.enrol('Anna', 0))
  const [by] = await drawPermits(before.address, anna.token, 1, now)
  await before.relay.stop()
  const patient = await relayFixture({ ...options, data: before.data, times: { bodyMs: 200 } })
  const { hostname, port } = new URL(patient.address)
  const heads = [
    'POST /v1/enrol HTTP/1.1\r\nContent-Type: application/json',
    `PUT ${blobRoutes.putBlob.path}?blobId=${toBase64Url(randomBytes(32))}&reads=1&keptMs=60000 HTTP/1.1\r\n` +
      `Content-Type: application/octet-stream\r\n${permitHeader}: ${toBase64Url(by ?? randomBytes(65))}`,
  ]
  for (const head of heads) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(`${head}\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{`)
    await once(socket, 'close')
  }
  const started = await fetch(`${patient.address}/v1/health`)
  expect(started.status).toBe(200)
  await expect.poll(async () => readdir(blobFolder(patient.data))).toEqual([])
  await patient.end()
})

test('files that a crash left without their row go at the next start; a missing file is told', async () => {
  const capability = randomBytes(32)
  expect((await put(capability, Buffer.from('kept'), await permit())).status).toBe(200)
  const kept = await files()
  await writeFile(join(blobFolder(fixture.data), 'ab'.repeat(16)), 'whole, but its row was not written')
  await writeFile(join(blobFolder(fixture.data), `${'cd'.repeat(16)}.part`), 'half')
  // Not the relay's own: as at the root of a file system.
  const foreign = ['lost+found', 'README.txt']
  await mkdir(join(blobFolder(fixture.data), 'lost+found'))
  await writeFile(join(blobFolder(fixture.data), 'README.txt'), 'of somebody')
  await mkdir(join(blobFolder(fixture.data), 'ef'.repeat(16)))
  fixture = await fixture.restart()
  expect((await files()).toSorted()).toEqual([...kept, ...foreign, 'ef'.repeat(16)].toSorted())
  expect((await get(capability, paidBy(await permit()))).bytes.toString()).toBe('kept')
})

test('what lies on the disk names neither reader nor author, nor the capability', async () => {
  const [capability, body] = [randomBytes(32), randomBytes(40)]
  const by = await permit()
  await put(capability, body, by)
  const store = openSqliteStore(databaseFile(fixture.data))
  await store.close()
  const database = await readFile(databaseFile(fixture.data))
  const wal = await readFile(`${databaseFile(fixture.data)}-wal`).catch(() => Buffer.alloc(0))
  for (const secret of [capability, Buffer.from(by), body]) {
    expect(Buffer.concat([database, wal]).includes(secret)).toBe(false)
  }
  expect(Buffer.concat([database, wal]).includes(hash(capability))).toBe(true)
})
