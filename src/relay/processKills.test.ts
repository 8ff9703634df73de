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
const rounds = long ? 200 : 6
/** Each so many-th time it is PostgreSQL that dies. */
const serverEvery = 3

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
  `three processes on one PostgreSQL, one of the four killed ${rounds} times under load: nothing acknowledged is lost`,
  async () => {
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X', postgresUrl: await server.database() })
    const relays: ListeningProgram[] = []
    for (let n = 0; n < 3; n += 1) relays.push(await program.listen(data))
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
    const moments = seededRandom(rounds)
    try {
      for (let round = 1; round <= rounds; round += 1) {
        const enough = ledger.acknowledged + 300 + moments.below(600)
        while (ledger.acknowledged < enough) await wait(2)
        await wait(moments.below(20))
        if (round % serverEvery === 0) {
          await server.stop('SIGKILL')
          await wait(moments.below(200))
          await server.start()
          continue
        }
        const which = moments.below(relays.length)
        dead = relays[which] ?? null
        await dead?.kill('SIGKILL')
        relays[which] = await program.listen(data)
        dead = null
      }
      const report = await ledger.settle(300_000)
      console.log(`killed ${rounds} times: ${JSON.stringify(report)}`)
      expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
      expect(report.acknowledged).toBe(report.sent)
      expect(report.sent).toBeGreaterThan(rounds * 300)
    } finally {
      ledger.end()
      await Promise.all(relays.map(async (relay) => relay.kill('SIGKILL')))
    }
  },
  long ? 60 * 60_000 : 900_000,
)
