import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { startLedger } from './testing/ledger.ts'
import { postgresServer, type PostgresServer } from './testing/postgres.ts'
import { bundleRelay, type ListeningProgram, type RelayProgram } from './testing/program.ts'
import { seededRandom } from './testing/random.ts'

const long = process.env['VALISE_LONG'] === '1'
/** How often each of the three processes dies, and PostgreSQL: so many times or for so long. */
const goal = long ? 200 : 20
const timeMs = long ? Number.POSITIVE_INFINITY : 4 * 60_000
/** However slow the machine. */
const least = 3
const processes = 3

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

test(
  `three processes on one PostgreSQL, each of the four killed up to ${goal} times under load: nothing acknowledged is lost`,
  async () => {
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X', postgresUrl: await server.database() })
    const relays: ListeningProgram[] = []
    for (let n = 0; n < processes; n += 1) relays.push(await program.listen(data))
    const address = relays[0]?.address ?? ''
    const enrol = async (name: string): Promise<EnrolledDevice> =>
      enrolDevice(address, (await createInvitation({ data, name, address })).code)
    const receivers = [await enrol('Bob'), await enrol('Carol')]
    const absent = [await enrol('Dora')]
    let dead: ListeningProgram | null = null
    const addresses = (): readonly string[] =>
      relays.filter((relay) => relay !== dead).map((relay) => relay.address)
    const load = { receivers, absent, senders: 6, inFlight: 32, bodyBytes: 1_024 }
    const ledger = startLedger({ addresses, ...load })
    const moments = seededRandom(goal)
    const killProcess = async (which: number): Promise<void> => {
      dead = relays[which] ?? null
      await dead?.kill('SIGKILL')
      relays[which] = await program.listen(data)
      dead = null
    }
    const killServer = async (): Promise<void> => {
      await server.stop('SIGKILL')
      await wait(moments.below(200))
      await server.start()
    }
    const begun = performance.now()
    let rounds = 0
    try {
      for (; rounds < goal && (rounds < least || performance.now() - begun < timeMs); rounds += 1) {
        for (let which = 0; which <= processes; which += 1) {
          const enough = ledger.acknowledged + 300 + moments.below(600)
          while (ledger.acknowledged < enough) await wait(2)
          await wait(moments.below(20))
          await (which === processes ? killServer() : killProcess(which))
        }
      }
      const report = await ledger.settle(300_000)
      console.log(`each of four killed ${rounds} times: ${JSON.stringify(report)}`)
      expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
      expect(report.acknowledged).toBe(report.sent)
      expect(report.sent).toBeGreaterThan(rounds * (processes + 1) * 300)
    } finally {
      ledger.end()
      await Promise.all(relays.map(async (relay) => relay.kill('SIGKILL')))
    }
  },
  long ? 4 * 3_600_000 : 900_000,
)
