import { protocolBench } from '../src/protocol/benchkit.ts'
import { relayBench } from '../src/relay/benchkit.ts'
import { atMost, percentile, type Figure } from './figure.ts'
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
    return [
      compared('to state sent, p50', percentile(whole.settled, 50), sum(50), 4),
      // Printed, with a goal that only a hang misses: the slowest of a hundred are the machine's as much as ours.
      compared('to state sent, p99', percentile(whole.settled, 99), sum(99), 20),
      compared('until the window is told, p50', percentile(whole.told, 50), sum(50), 20),
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

function compared(name: string, value: number, sum: number, goal: number): Figure {
  return atMost({
    name: `send, call ${name}`,
    value: round(value),
    unit: 'ms',
    beside: { name: 'encrypt + commit, and relay round trip, alone', value: round(sum) },
    goal,
  })
}

const round = (value: number): number => Math.round(value * 100) / 100
