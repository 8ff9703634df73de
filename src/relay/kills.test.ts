import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { startLedger } from './testing/ledger.ts'
import { bundleRelay, type RelayProgram } from './testing/program.ts'
import { seededRandom } from './testing/random.ts'

const long = process.env['VALISE_LONG'] === '1'
const rounds = long ? 200 : 20

let program: RelayProgram
let folder: string

beforeAll(async () => {
  program = await bundleRelay()
  folder = await mkdtemp(join(tmpdir(), 'valise-kills-'))
})

afterAll(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

test(
  `killed ${rounds} times in the middle of load, the relay has all that it acknowledged, once and in order`,
  async () => {
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X' })
    let relay = await program.listen(data)
    const enrol = async (name: string): Promise<EnrolledDevice> =>
      enrolDevice(relay.address, (await createInvitation({ data, name, address: relay.address })).code)
    const receivers = [await enrol('Bob'), await enrol('Carol')]
    const absent = [await enrol('Dora')]
    let addresses: readonly string[] = [relay.address]
    const load = { receivers, absent, senders: 6, inFlight: 64, bodyBytes: 1_024 }
    const ledger = startLedger({ addresses: () => addresses, ...load })
    const moments = seededRandom(rounds)
    try {
      for (let round = 0; round < rounds; round += 1) {
        const enough = ledger.acknowledged + 300 + moments.below(1_200)
        while (ledger.acknowledged < enough) await wait(2)
        await wait(moments.below(20))
        addresses = []
        await relay.kill('SIGKILL')
        relay = await program.listen(data)
        addresses = [relay.address]
      }
      const report = await ledger.settle(300_000)
      console.log(`killed ${rounds} times: ${JSON.stringify(report)}`)
      expect(report).toMatchObject({ lost: 0, doubled: 0, disordered: 0 })
      expect(report.acknowledged).toBe(report.sent)
      expect(report.sent).toBeGreaterThan(rounds * 300)
    } finally {
      ledger.end()
      await relay.kill('SIGKILL')
    }
  },
  long ? 60 * 60_000 : 900_000,
)
