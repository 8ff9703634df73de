import { protocolBench } from '../src/protocol/benchkit.ts'
import { atLeast, median, printed, type Figure } from './figure.ts'
import { Office, type Desk } from './office.ts'

/** How many messages wait at the relay, twice each; mixed, so that what grows with time looks like no slope. */
const sizes = [3_000, 1_000, 5_000, 2_000, 4_000, 4_000, 2_000, 5_000, 1_000, 3_000]
/** Messages that one round of the floor opens. */
const floorRound = 500
const text = 'Le compte rendu de la réunion est prêt, page 4.'

interface Pair {
  readonly sender: Desk
  readonly recipient: Desk
  readonly conversationId: string
}

/**
 * From the start of an engine to the last of its queued messages on the screen, for several sizes of the queue: the slope
 * of the line through them is the rate, what is left of it at no message is what a start costs. Beside it libsignal
 * unseals and decrypts messages of the same size in memory, between the sizes.
 */
export async function catchUp(): Promise<Figure[]> {
  const office = await Office.open()
  const floor = await protocolBench(text.length)
  try {
    const pair = await acquainted(office)
    const points: Point[] = []
    const floors: number[] = []
    for (const size of sizes) {
      await fill(pair, size)
      points.push({ x: size, y: await caughtUp(pair, size) })
      const times = [await floor.decryptInMemory(floorRound), await floor.decryptInMemory(floorRound)]
      floors.push(Math.min(...times))
    }
    console.log('catch-up', JSON.stringify(points), 'floor, ms for each', floorRound, JSON.stringify(floors))
    return figuresOf(undisturbed(points), floorRound / median(floors))
  } finally {
    floor.remove()
    await office.close()
  }
}

/** Both have written to each other and are away. */
async function acquainted(office: Office): Promise<Pair> {
  const [sender, recipient] = [await office.enrolled('sender'), await office.enrolled('recipient')]
  const conversationId = await sender.openedWith(recipient)
  const back = await recipient.openedWith(sender)
  const heard = [recipient.shown(1, ({ own }) => !own), sender.shown(1, ({ own }) => !own)]
  await sender.send(conversationId, 'Bonjour')
  await heard[0]
  await recipient.send(back, 'Bonjour')
  await heard[1]
  await Promise.all([sender.stop(), recipient.stop()])
  return { sender, recipient, conversationId }
}

async function fill({ sender, conversationId }: Pair, count: number): Promise<void> {
  await sender.start()
  await sender.send(conversationId, text, count)
  await sender.stop()
}

/** ms */
async function caughtUp({ recipient }: Pair, count: number): Promise<number> {
  const all = recipient.shown(count, ({ own }) => !own)
  const start = performance.now()
  await recipient.start()
  await all
  const time = performance.now() - start
  await recipient.stop()
  return time
}

interface Point {
  readonly x: number
  readonly y: number
}

/** Of the two times of each size the shorter one; the floor's rounds are taken in the same way. */
function undisturbed(points: readonly Point[]): Point[] {
  const shortest = new Map<number, number>()
  for (const { x, y } of points) shortest.set(x, Math.min(y, shortest.get(x) ?? Infinity))
  return Array.from(shortest, ([x, y]) => ({ x, y }))
}

function figuresOf(points: readonly Point[], floorPerMs: number): Figure[] {
  const { slope, intercept } = leastSquares(points)
  const beside = { name: 'libsignal in memory, unseal and decrypt', value: Math.round(floorPerMs * 1_000) }
  const rate = atLeast({
    name: 'catch-up of 1,000 to 5,000 queued messages, slope',
    value: Math.round(1_000 / slope),
    unit: 'messages/s',
    beside,
    goal: 0.6,
  })
  const shortest = Math.min(...points.map(({ y }) => y))
  const start = printed({
    name: 'catch-up, intercept',
    value: Math.round(intercept),
    unit: 'ms',
    beside: { name: 'catch-up of 1,000', value: Math.round(shortest) },
    why: 'what a start costs before the first message',
  })
  return [rate, start]
}

/** The line through points with the least sum of squared vertical distances. */
function leastSquares(points: readonly Point[]): { slope: number; intercept: number } {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  const slope = mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2)
  return { slope, intercept: y - slope * x }
}
