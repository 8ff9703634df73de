import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { ask, enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { compileFault, failingDiskSource } from './testing/faults/compile.ts'
import { startLedger } from './testing/ledger.ts'
import { bundleRelay, type ListeningProgram, type RelayProgram } from './testing/program.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

let folder: string
let library: string
let program: RelayProgram

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-disk-'))
  library = join(folder, 'failingDisk.so')
  compileFault(failingDiskSource, library)
  program = await bundleRelay()
})

afterAll(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

async function enrol(data: string, { address }: ListeningProgram, name: string): Promise<EnrolledDevice> {
  return enrolDevice(address, (await createInvitation({ data, name, address })).code)
}

test('a disk that fills up, turns read-only or fails refuses puts by a code, loses nothing and is used again once it is well', async () => {
  const data = join(folder, 'failing')
  await initRelay({ data, organisation: 'X' })
  const when = join(folder, 'when')
  const relay = await program.listen(data, [], {
    LD_PRELOAD: library,
    FAILING_DISK_FOLDER: data,
    FAILING_DISK_WHEN: when,
  })
  const bob = await enrol(data, relay, 'Bob')
  const receivers = [bob]
  const absent = [await enrol(data, relay, 'Carol')]
  const load = { receivers, absent, senders: 3, inFlight: 8, bodyBytes: 1_024 }
  const ledger = startLedger({ addresses: () => [relay.address], ...load })
  const more = async (): Promise<void> => {
    const enough = ledger.acknowledged + 200
    while (ledger.acknowledged < enough) await wait(2)
  }
  for (const error of [constants.errno.ENOSPC, constants.errno.EROFS, constants.errno.EIO]) {
    await more()
    await writeFile(when, String(error))
    const client = await AnonymousClient.connect(relay.address)
    const { outcome } = await client.put(bob, Buffer.from('x'))
    expect(outcome).toMatchObject({ value: { code: 'relay.unavailable', retryAfterMs: 1_000 } })
    expect((await ask(relay.address, 'GET', '/v1/anchors')).status).toBe(200)
    await client.end()
    await rm(when)
  }
  await more()
  const report = await ledger.settle(300_000)
  ledger.end()
  expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
  expect(report.refused).toBeGreaterThan(0)
  expect(report.acknowledged).toBe(report.sent)
  expect(await relay.kill('SIGTERM')).toBe(0)
})

test('a relay whose database was damaged answers by a code and goes on', async () => {
  const data = join(folder, 'damaged')
  await initRelay({ data, organisation: 'X' })
  const before = await program.listen(data)
  const bob = await enrol(data, before, 'Bob')
  const sender = await AnonymousClient.connect(before.address)
  for (let n = 0; n < 50; n += 1) await sender.put(bob, Buffer.alloc(8_000, n))
  await sender.end()
  await before.kill('SIGTERM')
  const database = new Database(join(data, 'relay.db'), { readonly: true })
  const found: unknown = database
    .prepare("SELECT rootpage FROM sqlite_master WHERE name = 'queue_by_message'")
    .pluck()
    .get()
  database.close()
  const rootPage = Number(found)
  // In the middle, where the envelopes lie, and where a new one is looked for: a file that is damaged where it is opened is
  // refused at the start.
  const file = await open(join(data, 'relay.db'), 'r+')
  const { size } = await file.stat()
  await file.write(Buffer.alloc(64 * 4_096, 0xa5), 0, 64 * 4_096, Math.floor(size / 8_192) * 4_096)
  await file.write(Buffer.alloc(4_096, 0xa5), 0, 4_096, (rootPage - 1) * 4_096)
  await file.close()
  const relay = await program.listen(data)
  const device = await TestClient.connect(relay.address, bob)
  expect(await device.next('refusal')).toMatchObject({ code: 'relay.unavailable' })
  expect(await device.closed).toEqual({ code: 1008 })
  const nobody = await AnonymousClient.connect(relay.address)
  const carol = await enrol(data, relay, 'Carol')
  expect((await nobody.put(carol, Buffer.from('x'))).outcome).toMatchObject({
    value: { code: 'relay.unavailable' },
  })
  expect((await ask(relay.address, 'GET', '/v1/health')).status).toBe(200)
  expect(relay.log()).toContain('SQLITE_CORRUPT')
  await nobody.end()
  expect(await relay.kill('SIGTERM')).toBe(0)
})
