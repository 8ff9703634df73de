import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { listen } from '../listen.ts'
import type { RelayLog } from '../log.ts'
import type { GroupCommit } from '../queue/groupCommit.ts'
import type { SocketHub } from '../socket/hub.ts'
import type { QueueStatsStore, QueueTotals } from '../store/queueStats.ts'
import { meteredLog, RelayMetrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'
import { QueueSampler } from './sampler.ts'
import { operationsServer } from './server.ts'
import { removePlace, writePlace, type RelayStatus } from './status.ts'
import type { TlsKeeper } from './tlsKeeper.ts'

export interface OperationsOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Of the program. */
  readonly version: string
}

/** The parts of the relay that are looked at; made after the log that is handed to them. */
export interface Watched {
  readonly hub: Pick<SocketHub, 'counts'>
  readonly commits: Pick<GroupCommit, 'waiting'>
  readonly tls: Pick<TlsKeeper, 'state'> | null
}

export interface OperationsDeps {
  readonly stats: QueueStatsStore
  readonly readiness: Readiness
  readonly clock: Clock
  readonly log: RelayLog
  /** Milliseconds between two samples of the queues. */
  readonly sampleMs: number
  readonly watched: () => Watched
}

/** What who operates the relay sees of it: metrics, readiness, state, on a port of its own. */
export class Operations {
  readonly metrics: RelayMetrics
  /** Hands on to the relay's log, and counts. */
  readonly log: RelayLog
  readonly #deps: OperationsDeps
  readonly #sampler: QueueSampler
  readonly #startedAt: number
  #app: FastifyInstance | null = null

  constructor(deps: OperationsDeps) {
    this.#deps = deps
    this.#startedAt = deps.clock.now()
    this.#sampler = new QueueSampler({ stats: deps.stats, everyMs: deps.sampleMs })
    this.metrics = new RelayMetrics({
      connections: () => deps.watched().hub.counts,
      waiting: () => deps.watched().commits.waiting,
      queued: () => this.#sampler.totals,
      ready: async () => (await deps.readiness.look()) === null,
      certificateEnds: () => deps.watched().tls?.state.endsAt ?? null,
      now: () => deps.clock.now(),
    })
    this.log = meteredLog(deps.log, this.metrics)
  }

  /** What waits in all queues; null until it has been measured once. */
  get queued(): QueueTotals | null {
    return this.#sampler.totals
  }

  /** Returns the address. Throws `relay.portTaken` and `argument.invalid` as `listen` does. */
  async start(
    folder: string,
    options: OperationsOptions,
    relay: { readonly address: string },
  ): Promise<string> {
    const app = operationsServer({
      metrics: this.metrics,
      ready: async () => this.#deps.readiness.look(),
      status: async () => this.#status(options.version, relay.address),
    })
    const address = await listen(app, { ...options, secure: false, option: 'metrics-host' })
    this.#app = app
    this.#sampler.start()
    await writePlace(folder, address)
    return address
  }

  /** Answers are given until here, so that a stop can be watched. */
  async stop(folder: string): Promise<void> {
    await this.#sampler.stop()
    await removePlace(folder)
    await this.#app?.close()
  }

  async #status(version: string, address: string): Promise<RelayStatus> {
    const { hub, tls } = this.#deps.watched()
    const state = tls?.state ?? null
    return {
      version,
      startedAt: this.#startedAt,
      address,
      ready: (await this.#deps.readiness.look()) === null,
      connections: { ...hub.counts },
      queued: this.#sampler.totals,
      tls: state,
    }
  }
}
