import { setTimeout as wait } from 'node:timers/promises'
import type { LoadEnd, LoadSender } from '../../src/relay/benchkit.ts'
import { percentile } from '../figure.ts'
import { payloadBytes, type PeerServer } from './peer.ts'
import { machineSeconds, processorSeconds } from './process.ts'

/** Pairs of a sender and a receiver, and puts of a sender under way at saturation. */
const pairs = 20
const inFlight = 64
const settleMs = 300
const warmUpMs = 2_000
const finishMs = 6_000
const stampBytes = 24

export interface LoadResult {
  /** Delivered in a second. */
  readonly rate: number
  /** ms from the call to the arrival, and to the acknowledgement. */
  readonly p50: number
  readonly p99: number
  readonly storedP50: number
  readonly storedP99: number
  /** Microseconds of the server's processors for each message. */
  readonly processorMicroseconds: number
  /** Processors that neither the server nor this client used: above 0.05 the figures are disturbed. */
  readonly usedByOthers: number
  /** Sent, acknowledged and delivered are the same number in the end. */
  readonly complete: boolean
}

interface Pair {
  readonly sender: LoadSender
  readonly receiver: LoadEnd
  sent: number
  stored: number
  delivered: number
}

/** Every sender keeps 64 puts under way. */
export async function saturated(server: PeerServer, ms: number): Promise<LoadResult> {
  return measured(server, ms, (put, pair, running) => {
    const fill = (): void => {
      while (running() && pair.sent - Math.min(pair.stored, pair.delivered) < inFlight) put(pair)
    }
    fill()
    return fill
  })
}

/** So many messages a second over all pairs, in turn. */
export async function paced(server: PeerServer, perSecond: number, ms: number): Promise<LoadResult> {
  let due = 0
  let sent = 0
  const turn: (() => void)[] = []
  let timer: NodeJS.Timeout | null = null
  const result = await measured(server, ms, (put, pair, running) => {
    turn.push(() => put(pair))
    const started = performance.now()
    timer ??= setInterval(() => {
      due = ((performance.now() - started) / 1_000) * perSecond
      while (running() && sent < due) turn[sent++ % turn.length]?.()
    }, 1)
    return () => undefined
  })
  if (timer !== null) clearInterval(timer)
  return result
}

type Put = (pair: Pair) => void
/** Begins a pair's load; what it returns is called after each answer and each arrival. */
type Drive = (put: Put, pair: Pair, running: () => boolean) => () => void

async function measured(server: PeerServer, ms: number, drive: Drive): Promise<LoadResult> {
  const arrivals: number[] = []
  const answers: number[] = []
  let [measuring, running] = [false, true]
  let delivered = 0
  const all: Pair[] = []
  const goOn = new Map<Pair, () => void>()
  for (let number = 0; number < pairs; number += 1) {
    const receiver = await server.receiver(number, (payload) => {
      const pair = all[number]
      if (pair === undefined) return
      pair.delivered += 1
      if (measuring) {
        delivered += 1
        arrivals.push(performance.now() - stampOf(payload))
      }
      goOn.get(pair)?.()
    })
    all.push({ sender: await server.sender(number), receiver, sent: 0, stored: 0, delivered: 0 })
  }
  const put = (pair: Pair): void => {
    const started = performance.now()
    pair.sent += 1
    pair.sender.send(stamped(started), () => {
      pair.stored += 1
      if (measuring) answers.push(performance.now() - started)
      goOn.get(pair)?.()
    })
  }
  await wait(settleMs)
  for (const pair of all)
    goOn.set(
      pair,
      drive(put, pair, () => running),
    )
  await wait(warmUpMs)
  const before = {
    server: processorSeconds(server.pid),
    machine: machineSeconds(),
    own: process.cpuUsage(),
    at: performance.now(),
  }
  measuring = true
  await wait(ms)
  measuring = false
  const seconds = (performance.now() - before.at) / 1_000
  const used = processorSeconds(server.pid) - before.server
  const own = process.cpuUsage(before.own)
  const others = machineSeconds() - before.machine - used - (own.user + own.system) / 1e6
  running = false
  const complete = await finished(all)
  for (const { sender, receiver } of all) {
    sender.close()
    receiver.close()
  }
  return {
    rate: Math.round(delivered / seconds),
    p50: percentile(arrivals, 50),
    p99: percentile(arrivals, 99),
    storedP50: percentile(answers, 50),
    storedP99: percentile(answers, 99),
    processorMicroseconds: (used * 1e6) / Math.max(1, delivered),
    usedByOthers: Math.max(0, others / seconds),
    complete,
  }
}

async function finished(all: readonly Pair[]): Promise<boolean> {
  const done = (): boolean =>
    all.every(({ sent, stored, delivered }) => sent === stored && sent === delivered)
  const until = performance.now() + finishMs
  while (!done() && performance.now() < until) await wait(20)
  return done()
}

const queued = 10_000
const queueInFlight = 256
const pauseMs = 1_000

export interface DrainResult {
  /** ms until all were acknowledged; from the start of the receiver's connection to its first and last message. */
  readonly enqueueMs: number
  readonly firstMs: number
  readonly drainMs: number
}

/** 10,000 messages for a receiver that is away, which then comes back. */
export async function drained(server: PeerServer): Promise<DrainResult> {
  const pair = pairs
  const first = await server.receiver(pair, () => undefined)
  await wait(settleMs)
  first.close()
  await wait(settleMs)
  const sender = await server.sender(pair)
  const started = performance.now()
  await new Promise<void>((resolve) => {
    let [sent, stored] = [0, 0]
    const fill = (): void => {
      for (; sent < queued && sent - stored < queueInFlight; sent += 1)
        sender.send(stamped(performance.now()), () => {
          stored += 1
          if (stored === queued) resolve()
          else fill()
        })
    }
    fill()
  })
  const enqueueMs = performance.now() - started
  await wait(pauseMs)
  const connected = performance.now()
  let [firstMs, count] = [0, 0]
  let arrived = (): void => undefined
  const last = new Promise<number>((resolve) => {
    arrived = () => {
      count += 1
      if (count === 1) firstMs = performance.now() - connected
      if (count === queued) resolve(performance.now() - connected)
    }
  })
  const receiver = await server.receiver(pair, () => arrived())
  const drainMs = await last
  receiver.close()
  sender.close()
  return { enqueueMs, firstMs, drainMs }
}

const filling = Buffer.alloc(payloadBytes, 0x5a)

function stamped(at: number): Buffer {
  const payload = Buffer.from(filling)
  payload.write(at.toFixed(4).padStart(stampBytes), 0, 'latin1')
  return payload
}

function stampOf(payload: Uint8Array): number {
  return Number(Buffer.from(payload.buffer, payload.byteOffset, stampBytes).toString('latin1'))
}
