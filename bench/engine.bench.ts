import { protocolBench, type ProtocolBench } from '../src/protocol/benchkit.ts'
import { catchUp } from './catchUp.ts'
import { atLeast, median, type Figure } from './figure.ts'
import { sending } from './sending.ts'

/** Messages that one transaction takes, as on catch-up. */
const batch = 100
const rounds = 60

/** The whole engine at a real relay, then its cryptography and its commits alone. */
export async function run(): Promise<Figure[]> {
  return [...(await sending()), ...(await catchUp()), ...(await batches())]
}

/**
 * Encrypt + commit and decrypt + commit in batches of 100 on the SQLCipher vault with `synchronous=FULL`, beside
 * libsignal doing the same cryptography on plain memory stores. Rounds of both alternate, so that a disturbance of
 * the machine meets both; figures are medians of the rounds.
 */
async function batches(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const bytes of [128, 4_096]) {
    figures.push(await compared(`encrypt + commit, ${bytes} B`, bytes, 'encryptInVault', 'encryptInMemory'))
    figures.push(
      await compared(`unseal + decrypt + commit, ${bytes} B`, bytes, 'decryptInVault', 'decryptInMemory'),
    )
  }
  return figures
}

type Measure = Exclude<keyof ProtocolBench, 'remove'>

/** On devices of its own: keys of messages that were encrypted and never sent would burden a session that decrypts. */
async function compared(name: string, bytes: number, ours: Measure, floor: Measure): Promise<Figure> {
  const bench = await protocolBench(bytes)
  const times = { ours: [] as number[], floor: [] as number[] }
  try {
    for (let round = 0; round < rounds; round += 1) {
      times.floor.push(await bench[floor](batch))
      times.ours.push(await bench[ours](batch))
    }
  } finally {
    bench.remove()
  }
  const rate = (milliseconds: readonly number[]): number => Math.round((batch / median(milliseconds)) * 1_000)
  const beside = { name: 'libsignal on memory stores', value: rate(times.floor) }
  return atLeast({ name, value: rate(times.ours), unit: 'messages/s', beside, goal: 0.5 })
}
