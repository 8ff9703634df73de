import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { relayFixture } from './testing/fixture.ts'
import { startLedger } from './testing/ledger.ts'
import { bundleRelay } from './testing/program.ts'

const long = process.env['VALISE_LONG'] === '1'
const devices = long ? 10_000 : 40
const messages = long ? 1_000_000 : 4_000
const queued = long ? 100_000 : 2_000
const senders = 20
const memoryMax = 1.5e9
const monthMs = 30 * 24 * 3_600_000

test(
  `${devices} connected devices, ${messages} messages through one process: all arrive, once, in order`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valise-endurance-'))
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X' })
    const program = await bundleRelay({ unbudgeted: true })
    const relay = await program.listen(data, ['--log-level', 'error'])
    try {
      const { address } = relay
      const receivers: EnrolledDevice[] = []
      while (receivers.length < devices) {
        const { code } = await createInvitation({ data, name: `Nr. ${receivers.length}`, address })
        receivers.push(await enrolDevice(address, code, undefined, 0))
      }
      const load = { receivers, absent: [], senders, inFlight: 16, bodyBytes: 1_024 }
      const ledger = startLedger({ addresses: () => [address], puts: messages / senders, ...load })
      while (ledger.acknowledged < messages) await wait(50)
      const report = await ledger.settle(60_000)
      ledger.end()
      const status = await readFile(`/proc/${relay.process.pid}/status`, 'utf8')
      const peakBytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
      console.log(`${devices} devices: ${JSON.stringify(report)}, ${Math.round(peakBytes / 1e6)} MB at most`)
      expect(report).toMatchObject({
        sent: messages,
        acknowledged: messages,
        lost: 0,
        doubled: 0,
        disordered: 0,
      })
      expect(peakBytes).toBeLessThan(memoryMax)
      if (long) expect(report.p99Ms).toBeLessThan(1_000)
    } finally {
      await relay.kill('SIGKILL')
      await program.remove()
      await rm(folder, { recursive: true, force: true })
    }
  },
  long ? 120 * 60_000 : 15 * 60_000,
)

test(
  `a device that was away for almost 30 days finds ${queued} envelopes, all of them and in order`,
  async () => {
    let now = Date.now()
    const burst = { burst: 1_000_000, perSecond: 1_000_000 }
    const fixture = await relayFixture({ clock: { now: () => now }, budgets: { anonymousPut: burst } })
    const absent = [await fixture.enrol('Bob')]
    const load = { receivers: [], absent, senders: 1, inFlight: 256, bodyBytes: 1_024 }
    const ledger = startLedger({ addresses: () => [fixture.address], puts: queued, ...load })
    while (ledger.acknowledged < queued) await wait(20)
    now += monthMs - 3_600_000
    const started = performance.now()
    const report = await ledger.settle(300_000)
    console.log(
      `${queued} envelopes after a month: ${Math.round(performance.now() - started)} ms to catch up`,
    )
    expect(report).toMatchObject({ received: queued, lost: 0, doubled: 0, disordered: 0 })
    ledger.end()
    await fixture.end()
  },
  long ? 30 * 60_000 : 15 * 60_000,
)
