import { protocolBench } from '../src/protocol/benchkit.ts'
import { relayBench } from '../src/relay/benchkit.ts'
import { atMost, percentile, printed, type Figure } from './figure.ts'
import { Office, type Desk } from './office.ts'

/** Messages that the conversation holds before it is measured. */
const before = 500
const discarded = 5
const runs = 100
const text = 'D’accord, je m’en occupe avant midi.'
/** A text of this length, padded, encrypted and sealed. */
const sealedBytes = 700

/**
 * From the call that the composer makes until the relay has acknowledged and the state `sent` is committed, one message
 * after another, beside the sum of its parts measured alone in the same run: encrypting and committing with
 * `synchronous=FULL`, and a put of the same size that the relay acknowledges. Whole and parts alternate, so that a
 * disturbance of the machine meets both. The window is told up to 10 ms later, for changes are collected.
 */
export async function sending(): Promise<Figure[]> {
  const office = await Office.open()
  const floor = await protocolBench(text.length)
  const relay = await relayBench(office.relay.address(), await office.relay.invite({ name: 'floor' }))
  try {
    const { sender, conversationId } = await conversation(office)
    const whole = { settled: [] as number[], told: [] as number[] }
    const parts = { encryptAndCommit: [] as number[], roundTrip: [] as number[] }
    for (let run = 0; run < discarded + runs; run += 1) {
      const encryptAndCommit = await floor.encryptInVault(1)
      const roundTrip = await relay.roundTrip(sealedBytes)
      const time = await sent(sender, conversationId)
      if (run < discarded) continue
      whole.settled.push(time.settled)
      whole.told.push(time.told)
      parts.encryptAndCommit.push(encryptAndCommit)
      parts.roundTrip.push(roundTrip)
    }
    const sum = (rank: number): number =>
      percentile(parts.encryptAndCommit, rank) + percentile(parts.roundTrip, rank)
    const figure = (name: string, values: readonly number[], rank: number): Measured => ({
      name: `send, call ${name}, p${rank}`,
      value: round(percentile(values, rank)),
      unit: 'ms',
      beside: { name: 'encrypt + commit, and relay round trip, alone', value: round(sum(rank)) },
    })
    return [
      atMost({ ...figure('to state sent', whole.settled, 50), goal: 4 }),
      printed({ ...figure('to state sent', whole.settled, 99), why: 'the machine’s as much as ours' }),
      printed({
        ...figure('until the window is told', whole.told, 50),
        why: 'changes are collected for 10 ms',
      }),
    ]
  } finally {
    floor.remove()
    await relay.end()
    await office.close()
  }
}

/** A sender whose conversation has its messages, with somebody who is away. */
async function conversation(office: Office): Promise<{ sender: Desk; conversationId: string }> {
  const [sender, recipient] = [await office.enrolled('sender'), await office.enrolled('recipient')]
  const conversationId = await sender.openedWith(recipient)
  await recipient.openedWith(sender)
  const arrived = recipient.shown(before, ({ own }) => !own)
  const confirmed = sender.shown(before, ({ delivery }) => delivery === 'delivered')
  await sender.send(conversationId, text, before)
  await Promise.all([arrived, confirmed])
  await recipient.stop()
  return { sender, conversationId }
}

/** ms */
async function sent(
  sender: Desk,
  conversationId: string,
): Promise<{ readonly settled: number; readonly told: number }> {
  const start = performance.now()
  const settled = sender.settled().then(() => performance.now() - start)
  await sender.send(conversationId, text)
  return { settled: await settled, told: performance.now() - start }
}

type Measured = Pick<Figure, 'name' | 'value' | 'unit' | 'beside'>

const round = (value: number): number => Math.round(value * 100) / 100
