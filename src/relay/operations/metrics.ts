import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { counterNames, type CounterName, type RelayCounters } from '../counters.ts'
import type { LogCounts, RelayEvent, RelayLog } from '../log.ts'

/** What gauges read when they are asked for. */
export interface Observed {
  connections(): ConnectionCounts
  /** Puts and bytes that wait for the next commit. */
  waiting(): { readonly puts: number; readonly bytes: number }
  /** Null until it has been measured once. */
  queued(): { readonly envelopes: number; readonly bytes: number } | null
  ready(): Promise<boolean>
  /** When the TLS certificate ends, in ms since the epoch; null where TLS ends elsewhere. */
  certificateEnds(): number | null
  now(): number
}

export interface ConnectionCounts {
  readonly devices: number
  readonly anonymous: number
  /** Have not proved themselves yet. */
  readonly strangers: number
}

const prefix = 'valise_relay_'

/**
 * The relay in numbers, for Prometheus. What is counted comes from the events of the log, so that the two cannot tell
 * different stories. SECURITY 9: a label is a code or a kind, never an account, a device or an address.
 */
export class RelayMetrics implements RelayCounters {
  readonly #registry = new Registry()
  readonly #stored = this.#counter('envelopes_stored_total', 'Envelopes stored, repetitions left out.')
  readonly #delivered = this.#counter('envelopes_delivered_total', 'Envelopes handed to connections.')
  readonly #puts = this.#counter('puts_total', 'Puts in groups that were committed.')
  readonly #deletes = this.#counter('deletes_total', 'Acknowledged envelopes in groups that were committed.')
  readonly #failed = this.#counter('commits_failed_total', 'Groups that the store did not take.')
  readonly #refusals = new Counter({
    name: `${prefix}refusals_total`,
    help: 'Refusals by code; relay.tooManyRequests is a spent budget.',
    labelNames: ['of', 'code'],
    registers: [this.#registry],
  })
  readonly #events = new Counter({
    name: `${prefix}events_total`,
    help: 'Events of the log, by kind.',
    labelNames: ['event'],
    registers: [this.#registry],
  })
  readonly #seconds = new Histogram({
    name: `${prefix}commit_seconds`,
    help: 'Time of a commit with its fsync.',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.#registry],
  })
  readonly #group = new Histogram({
    name: `${prefix}group_puts`,
    help: 'Puts in one commit.',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000],
    registers: [this.#registry],
  })

  readonly #counts = this.#counters()

  constructor(observed: Observed) {
    collectDefaultMetrics({ register: this.#registry, prefix })
    this.#gauges(observed)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** What other parts count: budgets spent, alerts, encrypted files. */
  count(name: CounterName, by = 1): void {
    this.#counts[name].inc(by)
  }

  /** Counts an event of the log, whether it is written or not. */
  observe(event: RelayEvent, counts: LogCounts): void {
    switch (event) {
      case 'group committed':
        return this.#committed(counts)
      case 'envelopes delivered':
        return this.#delivered.inc(counts.delivered ?? 0)
      case 'request refused':
        return this.#refusals.inc({ of: 'request', code: counts.error ?? 'none' })
      case 'connection refused':
        return this.#refusals.inc({ of: 'connection', code: counts.error ?? 'none' })
      case 'put refused':
        return this.#refusals.inc({ of: 'put', code: counts.error ?? 'none' })
      case 'connection opened':
      case 'connection closed':
        return this.#events.inc({ event })
      case 'group not committed':
        this.#failed.inc()
        return this.#events.inc({ event })
      default:
        return this.#events.inc({ event })
    }
  }

  #committed({ puts = 0, deletes = 0, stored = 0, ms = 0 }: LogCounts): void {
    this.#puts.inc(puts)
    this.#deletes.inc(deletes)
    this.#stored.inc(stored)
    this.#seconds.observe(ms / 1_000)
    if (puts > 0) this.#group.observe(puts)
  }

  #gauges(observed: Observed): void {
    const connections = new Gauge({
      name: `${prefix}connections`,
      help: 'Open WebSocket connections.',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect: () => {
        for (const [kind, count] of Object.entries(observed.connections())) connections.set({ kind }, count)
      },
    })
    this.#gauge('waiting_puts', 'Puts that wait for the next commit.', () => observed.waiting().puts)
    this.#gauge('waiting_bytes', 'Their bytes.', () => observed.waiting().bytes)
    this.#gauge('queue_envelopes', 'Envelopes in all queues, sampled.', () => observed.queued()?.envelopes)
    this.#gauge('queue_bytes', 'Bytes of their bodies, sampled.', () => observed.queued()?.bytes)
    this.#gauge('ready', '1 when the store takes writes and the relay is not stopping.', async () =>
      Number(await observed.ready()),
    )
    this.#gauge(
      'tls_certificate_seconds',
      'Seconds until the TLS certificate ends; below 0 it has ended.',
      () => {
        const ends = observed.certificateEnds()
        return ends === null ? undefined : (ends - observed.now()) / 1_000
      },
    )
  }

  #counters(): Readonly<Record<CounterName, Counter>> {
    const counters = counterNames.map((name) => {
      const words = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      return [
        name,
        this.#counter(`${words}_total`, `Counted since the start: ${words.replaceAll('_', ' ')}.`),
      ]
    })
    // One for each name of the list that the type is made from.
    return Object.fromEntries(counters) as Record<CounterName, Counter>
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name: prefix + name, help, registers: [this.#registry] })
  }

  /** One that has no value at the moment is left out. */
  #gauge(name: string, help: string, value: () => number | undefined | Promise<number | undefined>): void {
    const gauge = new Gauge({
      name: prefix + name,
      help,
      registers: [this.#registry],
      collect: async () => {
        const now = await value()
        if (now === undefined) gauge.remove()
        else gauge.set(now)
      },
    })
  }
}

/** Writes to the log and counts; what the log's level leaves out is counted too. */
export function meteredLog(log: RelayLog, metrics: Pick<RelayMetrics, 'observe'>): RelayLog {
  const metered =
    (level: keyof RelayLog): RelayLog[keyof RelayLog] =>
    (event, counts) => {
      metrics.observe(event, counts ?? {})
      log[level](event, counts)
    }
  return { info: metered('info'), warn: metered('warn'), error: metered('error'), debug: metered('debug') }
}
