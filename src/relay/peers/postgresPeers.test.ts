import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { silentLog } from '../log.ts'
import { bytes, enrol, envelopeFor, type EnrolledAccount } from '../store/contractKit.ts'
import { Database } from '../store/postgres/database.ts'
import { migrate } from '../store/postgres/migrate.ts'
import { postgresStore } from '../store/postgres/postgres.ts'
import type { PutTarget, RelayStore } from '../store/store.ts'
import { administer, postgresServer, type PostgresServer } from '../testing/postgres.ts'
import { ephemeralMessages, formatMessage, parseMessage, payloadBytesMax } from './messages.ts'
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

  constructor(everyMs: number, answerMs?: number) {
    this.peers = new PostgresPeers({
      db,
      options: { url },
      log: silentLog,
      everyMs,
      holderProbeMs: 60_000,
      ...(answerMs === undefined ? {} : { answerMs }),
    })
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
    await expect.poll(() => this.looks, { interval: 10 }).toBeGreaterThanOrEqual(enough)
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

const target = (device: number, text: string): PutTarget => ({
  device,
  envelope: { deviceId: 1, registrationId: 42, messageId: bytes(16), body: utf8(text) },
})

const sessionOf = (process: unknown): string =>
  `FROM pg_locks WHERE locktype = 'advisory' AND objid = ${String(process)}`

async function place(): Promise<unknown> {
  return (await administer(url, 'SELECT process::int FROM valise.presence'))[0]?.process
}

test('a connection on which the server says nothing any more is given up, though its session lives on', async () => {
  const here = await new Process(100, 4_000).start()
  await here.peers.arrive(ada.device, bytes(16))
  const before = await place()
  const [{ pid } = {}] = await administer(url, `SELECT pid ${sessionOf(before)}`)
  process.kill(Number(pid), 'SIGSTOP')
  try {
    await expect.poll(place).not.toBe(before)
    expect(await administer(url, `SELECT 1 ${sessionOf(before)}`)).toHaveLength(1)
  } finally {
    process.kill(Number(pid), 'SIGCONT')
  }
})

test('a connection whose session is ended is made anew under another number, and its places go with it', async () => {
  const [here, there] = [await new Process(600_000).start(), await new Process(600_000).start()]
  const holder = bytes(16)
  expect(await here.peers.arrive(ada.device, holder)).toBe('free')
  const before = await place()
  await administer(url, `SELECT pg_terminate_backend(pid) ${sessionOf(before)}`)
  await expect.poll(place).not.toBe(before)
  // Heard again, and still the holder of its place.
  await expect
    .poll(() => {
      there.peers.stored([ada.device])
      return here.woken
    })
    .toContain(ada.device)
  here.peers.left(ada.device)
  await expect.poll(place).toBeUndefined()
})

test('what is not kept is passed on in order to who is connected, and to nobody else', async () => {
  const bob = await enrol(store, 'Bob')
  const [here, there] = [await new Process(600_000).start(), await new Process(600_000).start()]
  await there.peers.arrive(ada.device, bytes(16))
  const texts = Array.from({ length: 100 }, (_, n) => `${n}`)
  for (const text of texts) here.peers.ephemeral([target(bob.device, 'nobody'), target(ada.device, text)])
  await expect.poll(() => there.passed.length).toBeGreaterThanOrEqual(100)
  expect(there.passed).toEqual(texts)
  const many = Array.from({ length: 5_000 }, () => target(ada.device, 'many'))
  here.peers.ephemeral(many)
  here.peers.ephemeral(many)
  await expect.poll(() => there.passed.length).toBe(1_100)
  here.peers.ephemeral([target(ada.device, 'last')])
  await expect.poll(() => there.passed.at(-1)).toBe('last')
  expect(there.passed).toHaveLength(1_101)
})

test('targets are cut into messages that the channel takes; what is too long for one is left out', () => {
  const size = fc.oneof(fc.nat(300), fc.nat(8_000))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 100 }), fc.nat(2 ** 31), (sizes, from) => {
      const targets = sizes.map((length) => target(2 ** 52, 'x'.repeat(length)))
      const messages = ephemeralMessages(from, targets)
      const payloads = messages.map(formatMessage)
      for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(payloadBytesMax)
      const given = payloads.flatMap((payload) => {
        const message = parseMessage(payload)
        return message?.kind === 'ephemeral'
          ? message.targets.map(({ envelope }) => envelope.body.length)
          : []
      })
      expect(given).toEqual(sizes.filter((length) => length <= 5_700))
    }),
  )
})
