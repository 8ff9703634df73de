import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../log.ts'
import { bytes, enrol, envelopeFor, type EnrolledAccount } from '../store/contractKit.ts'
import { Database } from '../store/postgres/database.ts'
import { migrate } from '../store/postgres/migrate.ts'
import { postgresStore } from '../store/postgres/postgres.ts'
import type { RelayStore } from '../store/store.ts'
import { postgresServer, type PostgresServer } from '../testing/postgres.ts'
import type { HeldDevice, PeerEvents } from './peers.ts'
import { PostgresPeers } from './postgresPeers.ts'

let server: PostgresServer
let url: string
let db: Database
let store: RelayStore
let ada: EnrolledAccount
let peers: PostgresPeers[]

beforeAll(async () => {
  server = await postgresServer()
})
afterAll(async () => server.end())

beforeEach(async () => {
  url = await server.database()
  db = new Database({ url })
  await migrate(db)
  store = postgresStore(db)
  ada = await enrol(store, 'Ada')
  peers = []
})

afterEach(async () => {
  await Promise.all(peers.map(async (one) => one.stop()))
  await store.close()
})

/** A process without sockets: what it is told is written down. */
class Process implements PeerEvents {
  readonly woken: number[] = []
  readonly passed: string[] = []
  readonly peers: PostgresPeers
  holds: readonly HeldDevice[] = []
  looks = 0

  constructor(everyMs: number) {
    this.peers = new PostgresPeers({ db, options: { url }, log: silentLog, everyMs, holderProbeMs: 100 })
    peers.push(this.peers)
  }

  wake(devices: readonly number[]): void {
    this.woken.push(...devices)
  }

  passOn(targets: Parameters<PeerEvents['passOn']>[0]): void {
    this.passed.push(...targets.map(({ envelope }) => Buffer.from(envelope.body).toString()))
  }

  async elsewhere(): Promise<'free'> {
    return 'free'
  }

  frozen(): void {
    throw new Error('nothing is frozen here')
  }

  held(): readonly HeldDevice[] {
    this.looks += 1
    return this.holds
  }

  async start(): Promise<this> {
    await this.peers.start(this)
    return this
  }

  async look(): Promise<void> {
    // The one that is under way may have asked before.
    const enough = this.looks + 2
    await expect.poll(() => this.looks, { timeout: 10_000, interval: 10 }).toBeGreaterThanOrEqual(enough)
  }
}

test('a device that came back to a queue it has read is woken by no look; by what waits it is', async () => {
  const here = new Process(20)
  here.holds = [{ device: ada.device, holder: bytes(16), last: 0 }]
  const put = async (): Promise<number> => {
    const [outcome] = await store.queues.commit({ puts: [envelopeFor(ada, 'x')], deletes: [], now: 1 })
    return outcome?.kind === 'stored' ? (outcome.added[0]?.id ?? 0) : 0
  }
  const id = await put()
  await store.queues.commit({ puts: [], deletes: [{ device: ada.device, id }], now: 1 })
  await here.start()
  await here.look()
  expect(here.woken).toEqual([])
  await put()
  await here.look()
  expect(here.woken).toContain(ada.device)
})
