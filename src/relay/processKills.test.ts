import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { startLedger, type Ledger, type LedgerReport } from './testing/ledger.ts'
import { postgresServer, type PostgresServer } from './testing/postgres.ts'
import { bundleRelay, type ListeningProgram, type RelayProgram } from './testing/program.ts'
import { seededRandom } from './testing/random.ts'

const long = process.env['VALISE_LONG'] === '1'
/** How often each of the three processes dies, and PostgreSQL: so many times or for so long. */
const goal = long ? 200 : 20
const timeMs = long ? Number.POSITIVE_INFINITY : 4 * 60_000
/** However slow the machine. */
const least = long ? goal : 3
const processes = 3
/** Then everything is counted, and others go on: the queue of who is away is never full. */
const cyclesOfLedger = 5

let program: RelayProgram
let server: PostgresServer
let folder: string

beforeAll(async () => {
  program = await bundleRelay()
  server = await postgresServer({ durable: true })
  folder = await mkdtemp(join(tmpdir(), 'valise-kills-'))
})

afterAll(async () => {
  await program.remove()
  await server.end()
  await rm(folder, { recursive: true, force: true })
})

/** Three processes on one PostgreSQL; who is killed starts again at another port. */
class Fleet {
  readonly #data: string
  readonly #relays: (ListeningProgram | null)[] = []
  readonly #moments = seededRandom(goal)

  constructor(data: string) {
    this.#data = data
  }

  async start(): Promise<void> {
    for (let n = 0; n < processes; n += 1) this.#relays.push(await program.listen(this.#data))
  }

  get addresses(): readonly string[] {
    return this.#relays.flatMap((relay) => (relay === null ? [] : [relay.address]))
  }

  async enrol(name: string): Promise<EnrolledDevice> {
    const [address = ''] = this.addresses
    return enrolDevice(address, (await createInvitation({ data: this.#data, name, address })).code)
  }

  /** Each process once and PostgreSQL once, at moments of this load. */
  async killEach(ledger: Pick<Ledger, 'acknowledged'>): Promise<void> {
    for (let which = 0; which <= processes; which += 1) {
      const enough = ledger.acknowledged + 300 + this.#moments.below(600)
      while (ledger.acknowledged < enough) await wait(2)
      await wait(this.#moments.below(20))
      await (which === processes ? this.#killServer() : this.#killProcess(which))
    }
  }

  async #killProcess(which: number): Promise<void> {
    const relay = this.#relays[which]
    this.#relays[which] = null
    await relay?.kill('SIGKILL')
    this.#relays[which] = await program.listen(this.#data)
  }

  async #killServer(): Promise<void> {
    await server.stop('SIGKILL')
    await wait(this.#moments.below(200))
    await server.start()
  }

  async end(): Promise<void> {
    await Promise.all(this.#relays.map(async (relay) => relay?.kill('SIGKILL')))
  }
}

/** Lives under load, and what became of everything that was acknowledged meanwhile. */
async function underLoad(fleet: Fleet, live: (ledger: Ledger) => Promise<void>): Promise<LedgerReport> {
  const receivers = [await fleet.enrol('Bob'), await fleet.enrol('Carol')]
  const absent = [await fleet.enrol('Dora')]
  const load = { receivers, absent, senders: 6, inFlight: 32, bodyBytes: 1_024 }
  const ledger = startLedger({ addresses: () => fleet.addresses, ...load })
  try {
    await live(ledger)
    return await ledger.settle(300_000)
  } finally {
    ledger.end()
  }
}

test(
  `three processes on one PostgreSQL, each of the four killed ${least} to ${goal} times under load: nothing acknowledged is lost`,
  async () => {
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X', postgresUrl: await server.database() })
    const fleet = new Fleet(data)
    const begun = performance.now()
    let cycles = 0
    let sent = 0
    const more = (): boolean => cycles < goal && (cycles < least || performance.now() - begun < timeMs)
    try {
      await fleet.start()
      while (more()) {
        const end = cycles + cyclesOfLedger
        const report = await underLoad(fleet, async (ledger) => {
          for (; cycles < end && more(); cycles += 1) await fleet.killEach(ledger)
        })
        console.log(`each of four killed ${cycles} times: ${JSON.stringify(report)}`)
        expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
        expect(report.acknowledged).toBe(report.sent)
        sent += report.sent
      }
    } finally {
      await fleet.end()
    }
    expect(sent).toBeGreaterThan(cycles * (processes + 1) * 300)
  },
  long ? 4 * 3_600_000 : 900_000,
)
