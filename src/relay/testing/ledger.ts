import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { EnrolledDevice } from './client.ts'
import { LedgerReceiver } from './ledgerReceiver.ts'
import { LedgerSender, type LedgerMessage } from './ledgerSender.ts'

export interface LedgerOptions {
  /** The relays that run now, asked again at each connection: a client takes any of them. Empty: it waits. */
  readonly addresses: () => readonly string[]
  readonly receivers: readonly EnrolledDevice[]
  /** Receivers that stay away until the end: what is acknowledged for them is nowhere but in the relay. */
  readonly absent: readonly EnrolledDevice[]
  /** Connections of nobody that write, each to all receivers in turn. */
  readonly senders: number
  /** Puts of one sender that are not answered yet. */
  readonly inFlight: number
  readonly bodyBytes: number
  /** Puts of each sender; left out: without end. */
  readonly puts?: number
}

/** What the relays did with what they were given. */
export interface LedgerReport {
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  /** Puts that were sent again because their answer never came, and deliveries of what had come before. */
  readonly resent: number
  readonly repeated: number
  /** Puts that were answered, but not stored. */
  readonly refused: number
  /** ms from the first sending to the first arrival, which 99 of 100 stay below; 0 before anything arrived. */
  readonly p99Ms: number
  /** Acknowledged and never received. */
  readonly lost: number
  /** Received again although neither its sender repeated it, unanswered or refused, nor the device had a new connection. */
  readonly doubled: number
  /** Received after a later one of the same sender, or under a queue id that did not rise; what was refused before is left out. */
  readonly disordered: number
}

/** Load with a book of ids: what was sent, what was acknowledged, what arrived. Survives any death of its relays. */
export interface Ledger {
  readonly acknowledged: number
  readonly received: number
  /** Once: puts nothing new any more; settles when all is answered and all that was acknowledged has arrived, or after `ms`. */
  settle(ms: number): Promise<LedgerReport>
  end(): void
}

const settlePollMs = 20

export function startLedger(options: LedgerOptions): Ledger {
  const run = randomBytes(4)
  const book = new Map<string, LedgerMessage>()
  const receiver = (device: EnrolledDevice): LedgerReceiver =>
    new LedgerReceiver(device, options.addresses, book)
  const receivers = options.receivers.map(receiver)
  const ready = Promise.all(receivers.map((one) => one.welcome))
  const everybody = [...options.receivers, ...options.absent]
  const senders = Array.from({ length: options.senders }, (_, number) => {
    return new LedgerSender({ number, run, book, ...options, receivers: everybody, ready })
  })
  const counted = (of: (message: LedgerMessage) => boolean): number => [...book.values()].filter(of).length
  const lost = (): number => counted((message) => message.acknowledged && message.receivedOn === null)
  const report = (): LedgerReport => ({
    sent: book.size,
    acknowledged: counted((message) => message.acknowledged),
    received: counted((message) => message.receivedOn !== null),
    resent: counted((message) => message.resent),
    repeated: sum(receivers.map((receiver) => receiver.repeated)),
    refused: sum(senders.map((sender) => sender.refused)),
    p99Ms: p99(receivers.flatMap((one) => one.latencies)),
    lost: lost(),
    doubled: sum(receivers.map((receiver) => receiver.doubled)),
    disordered: sum(receivers.map((receiver) => receiver.disordered)),
  })
  return {
    get acknowledged() {
      return sum(senders.map((sender) => sender.acknowledged))
    },
    get received() {
      return sum(receivers.map((receiver) => receiver.received))
    },
    async settle(ms) {
      for (const sender of senders) sender.finish()
      receivers.push(...options.absent.map(receiver))
      const until = performance.now() + ms
      const settled = (): boolean => senders.every((sender) => sender.idle) && lost() === 0
      while (!settled() && performance.now() < until) await wait(settlePollMs)
      return report()
    },
    end() {
      for (const part of [...senders, ...receivers]) part.end()
    },
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function p99(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0)
}
