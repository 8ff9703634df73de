import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { openDatabase } from './store/sqliteOpen.ts'
import { enrolDevice } from './testing/client.ts'
import { compileFault, lostWritesSource } from './testing/faults/compile.ts'
import { loseWrites, readDisk } from './testing/faults/lostWrites.ts'
import { startLedger, type LedgerReport } from './testing/ledger.ts'
import { bundleRelay, type PlantedFault } from './testing/program.ts'
import { seededRandom } from './testing/random.ts'

const long = process.env['VALISE_LONG'] === '1'
const failures = long ? 60 : 6

let folder: string
let library: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-lost-'))
  library = join(folder, 'lostWrites.so')
  compileFault(lostWritesSource, library)
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Ordeal {
  readonly report: LedgerReport
  readonly sound: boolean
  /** Writes that were taken away, over all failures. */
  readonly taken: number
}

/** Load on a relay whose machine loses its power again and again: what no fsync came after is gone, or part of it. */
async function powerFailures(name: string, times: number, fault: PlantedFault | null): Promise<Ordeal> {
  const program = await bundleRelay(fault === null ? {} : { fault })
  const data = join(folder, name)
  await initRelay({ data, organisation: 'X' })
  const journal = `${data}.journal`
  const env = { LD_PRELOAD: library, LOST_WRITES_FOLDER: data, LOST_WRITES_JOURNAL: journal }
  const random = seededRandom(times)
  let before = readDisk(data)
  let relay = await program.listen(data, [], env)
  const { address } = relay
  const devices = []
  for (const person of ['Bob', 'Carol']) {
    const { code } = await createInvitation({ data, name: person, address })
    devices.push(await enrolDevice(address, code))
  }
  // The invitations were written by this process, which is not looked at: from here on all is the relay's.
  await relay.kill('SIGKILL')
  let addresses: readonly string[] = []
  let [sound, taken] = [true, 0]
  const people = { receivers: devices.slice(1), absent: devices.slice(0, 1) }
  const load = { ...people, senders: 6, inFlight: 48, bodyBytes: 3_000 }
  const ledger = startLedger({ addresses: () => addresses, ...load })
  try {
    for (let failure = 0; failure < times && sound; failure += 1) {
      await rm(journal, { force: true })
      before = readDisk(data)
      relay = await program.listen(data, [], env)
      addresses = [relay.address]
      const enough = ledger.acknowledged + 300 + random.below(2_500)
      while (ledger.acknowledged < enough) await wait(2)
      addresses = []
      await relay.kill('SIGKILL')
      const { pending, kept, syncs } = loseWrites(before, journal, random)
      expect(syncs).toBeGreaterThan(fault === null ? 0 : -1)
      taken += pending - kept
      sound = await isSound(data)
    }
    if (sound) {
      relay = await program.listen(data)
      addresses = [relay.address]
    }
    return { report: await ledger.settle(sound && fault === null ? 300_000 : 3_000), sound, taken }
  } finally {
    ledger.end()
    await relay.kill('SIGKILL')
    await program.remove()
  }
}

/** On a copy, so that the relay itself finds the file as it was left. */
async function isSound(data: string): Promise<boolean> {
  const copy = `${data}.copy`
  await cp(data, copy, { recursive: true })
  try {
    const db = openDatabase(join(copy, 'relay.db'))
    try {
      return db.pragma('integrity_check', { simple: true }) === 'ok'
    } finally {
      db.close()
    }
  } catch {
    return false
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

test(
  `after ${failures} power failures under load nothing acknowledged is lost and the database is sound`,
  async () => {
    const { report, sound, taken } = await powerFailures('relay', failures, null)
    console.log(`${failures} power failures, ${taken} writes lost: ${JSON.stringify(report)}`)
    expect(sound).toBe(true)
    expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
    expect(report.acknowledged).toBe(report.sent)
    expect(taken).toBeGreaterThan(0)
  },
  long ? 60 * 60_000 : 900_000,
)

test('a relay that acknowledges without an fsync is found out', async () => {
  const fault = { instead: 'synchronous = FULL', planted: 'synchronous = OFF' }
  const { report, sound } = await powerFailures('careless', 4, fault)
  expect(report.lost > 0 || !sound).toBe(true)
})
