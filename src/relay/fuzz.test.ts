import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createInvitation, initRelay } from './index.ts'
import { enrolDevice, type EnrolledDevice } from './testing/client.ts'
import { fuzzFrames, type FuzzCount } from './testing/fuzz/frames.ts'
import { fuzzRequests, type WrongAnswers } from './testing/fuzz/requests.ts'
import { sampleRequests, type SampleRequest } from './testing/fuzz/samples.ts'
import { drawPermits } from './testing/permits.ts'
import { bundleRelay, type ListeningProgram } from './testing/program.ts'
import { seededRandom } from './testing/random.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

const long = process.env['VALISE_LONG'] === '1'
const total = long ? 200_000 : 20_000
/** Two of frames and two of requests, beside each other. */
const lanes = 4
/** What a relay may grow once it is warm, in bytes: far less than a leak of 1 kB a case would take in the long run. */
const growthMax = 96 * 1024 * 1024
const seed = 20_261_123

test(
  `${total} mutated frames and requests: no crash, no failure, no answer with a text, memory flat`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valise-fuzz-'))
    const data = join(folder, 'relay')
    await initRelay({ data, organisation: 'X' })
    const program = await bundleRelay({ unbudgeted: true })
    const relay = await program.listen(data)
    try {
      const warm = await round(relay, data, total / 4, seed)
      const before = await residentBytes(relay)
      const rest = await round(relay, data, (total * 3) / 4, seed + 1)
      const grown = (await residentBytes(relay)) - before
      const slowest = Math.max(warm.slowestMs, rest.slowestMs)
      console.log(
        `${total} cases, slowest answer ${Math.round(slowest)} ms, ${before >> 20} MiB when warm, then ${grown >> 20} MiB more`,
      )
      expect([...warm.wrong, ...rest.wrong]).toEqual([])
      expect(relay.log()).not.toContain('request failed')
      expect(relay.log()).not.toContain('not committed')
      expect(relay.log()).not.toContain('delivery failed')
      expect(relay.process.exitCode).toBe(null)
      expect(grown).toBeLessThan(growthMax)
      if (long) expect(slowest).toBeLessThan(1_000)
      await servesWell(relay, data)
    } finally {
      await relay.kill('SIGTERM')
      await program.remove()
      await rm(folder, { recursive: true, force: true })
    }
  },
  long ? 60 * 60_000 : 1_800_000,
)

interface RoundResult {
  readonly wrong: WrongAnswers
  readonly slowestMs: number
}

async function round(
  relay: ListeningProgram,
  data: string,
  cases: number,
  from: number,
): Promise<RoundResult> {
  const { address } = relay
  const counts = Array.from({ length: lanes }, (): FuzzCount => ({ done: 0, slowestMs: 0 }))
  const wrong = await Promise.all(
    counts.map(async (count, lane) => {
      const random = seededRandom(from * lanes + lane)
      if (lane % 2 === 1) {
        const samples = async (): Promise<readonly SampleRequest[]> => freshSamples(address, data)
        return fuzzRequests({ address, samples, random, count, requests: cases / lanes })
      }
      const { device, token } = await freshDevice(address, data)
      const [permit = new Uint8Array(0)] = await drawPermits(address, token, 1)
      await fuzzFrames(address, { device, permit }, random, count, cases / lanes)
      return []
    }),
  )
  return { wrong: wrong.flat(), slowestMs: Math.max(...counts.map((count) => count.slowestMs)) }
}

async function freshDevice(
  address: string,
  data: string,
): Promise<{ readonly device: EnrolledDevice; readonly token: string }> {
  const { code } = await createInvitation({ data, name: 'Somebody', address })
  const device = await enrolDevice(address, code)
  const client = await TestClient.connect(address, device)
  await client.end()
  return { device, token: client.token }
}

async function freshSamples(address: string, data: string): Promise<readonly SampleRequest[]> {
  const { code } = await createInvitation({ data, name: 'Nobody yet', address })
  return sampleRequests({ ...(await freshDevice(address, data)), code })
}

async function servesWell({ address }: ListeningProgram, data: string): Promise<void> {
  const { device } = await freshDevice(address, data)
  const reader = await TestClient.connect(address, device)
  const sender = await AnonymousClient.connect(address)
  expect((await sender.put(device, Buffer.from('well'))).outcome.case).toBe('stored')
  const [envelope] = await reader.envelopes(1)
  expect(Buffer.from(envelope?.body ?? []).toString()).toBe('well')
  await Promise.all([reader.end(), sender.end()])
}

async function residentBytes({ process: { pid } }: ListeningProgram): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}
