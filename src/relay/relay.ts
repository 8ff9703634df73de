import type { FastifyInstance } from 'fastify'
import { systemClock, type Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { systemCode } from '../base/atomicFile.ts'
import { lockData } from './data/dataLock.ts'
import { Permits } from './crypto/permits.ts'
import { databaseFile, readRelayData, signerReader, type RelayData } from './data/relayData.ts'
import { RateLimits, usualBudgets, type Budgets } from './http/budgets.ts'
import { checkTlsFiles, type TlsFiles } from './data/tlsFiles.ts'
import { httpServer } from './http/server.ts'
import { silentLog, type RelayLog } from './log.ts'
import { Linking } from './linking.ts'
import { GenerationCommit } from './queue/generationCommit.ts'
import { GroupCommit } from './queue/groupCommit.ts'
import { limits } from '../wire/limits.ts'
import { ChangeWatch } from './changes.ts'
import { Housekeeping } from './housekeeping.ts'
import type { ConnectionTimes } from './socket/connection.ts'
import { SocketHub } from './socket/hub.ts'
import { PutBudgets } from './socket/putBudgets.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { SqliteOptions } from './store/sqliteOpen.ts'
import type { RelayStore } from './store/store.ts'
import { Tokens } from './tokens.ts'

export interface RelayOptions {
  /** A folder that `initRelay` made. */
  readonly data: string
  /** Left out: 127.0.0.1. Without TLS only loopback is taken. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port?: number
  readonly tls?: TlsFiles
  readonly database?: SqliteOptions
  readonly budgets?: Partial<Budgets>
  /** Left out: those of `limits`. */
  readonly times?: Partial<RelayTimes>
  readonly clock?: Clock
  readonly log?: RelayLog
}

/** Milliseconds. */
export interface RelayTimes extends ConnectionTimes {
  readonly changesMs: number
  readonly housekeepingMs: number
}

export interface RunningRelay {
  /** `http://127.0.0.1:PORT`, or https with TLS. */
  readonly address: string
  readonly relayId: string
  /** Ends the connections, commits what was taken, closes the files. May be called twice. */
  stop(): Promise<void>
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Starts a relay. Throws `relay.tlsRequired` for a host that is not loopback without TLS, `relay.portTaken`,
 * `relay.dataInUse`, `argument.invalid` for a TLS key that does not fit, and the codes of `readRelayData`.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const host = options.host ?? '127.0.0.1'
  if (options.tls === undefined && !loopback.has(host)) throw new CodedError('relay.tlsRequired')
  if (options.tls !== undefined) checkTlsFiles(options.tls)
  const data = await readRelayData(options.data)
  const lock = lockData(options.data)
  let store: RelayStore | null = null
  let parts: Parts | null = null
  try {
    store = openSqliteStore(databaseFile(options.data), options.database)
    const made = assemble(options, store, data)
    parts = made
    await made.watch.start()
    const address = await listen(made.app, host, options.port ?? 0, options.tls !== undefined)
    const log = options.log ?? silentLog
    log.info('relay started')
    const stop = once(() => stopAll(made, log).finally(() => lock.release()))
    return { address, relayId: data.anchors.relayId, stop }
  } catch (thrown) {
    await parts?.watch.stop()
    await parts?.housekeeping.stop()
    await store?.close()
    lock.release()
    throw thrown
  }
}

interface Parts {
  readonly app: FastifyInstance
  readonly hub: SocketHub
  readonly commits: GroupCommit
  readonly generations: GenerationCommit
  readonly watch: ChangeWatch
  readonly housekeeping: Housekeeping
  readonly store: RelayStore
}

function assemble(options: RelayOptions, store: RelayStore, data: RelayData): Parts {
  const { anchors } = data
  const clock = options.clock ?? systemClock
  const log = options.log ?? silentLog
  const tokens = new Tokens(clock)
  const budgets = { ...usualBudgets, ...options.budgets }
  const rateLimits = new RateLimits(budgets)
  const commits = new GroupCommit({
    queues: store.queues,
    clock,
    log,
    onStored: (envelopes) => hub.stored(envelopes),
    onPressure: (high) => hub.pressure(high),
  })
  const permits = new Permits(data.zkSecretParams)
  const times: RelayTimes = { ...limits, ...options.times }
  const generations = new GenerationCommit(store.generations)
  const hub = new SocketHub({
    relayId: anchors.relayId,
    store,
    commits,
    generations,
    permits,
    tokens,
    putBudgets: new PutBudgets(budgets.put),
    generationBudgets: new PutBudgets(budgets.generation),
    anonymousBudgets: new PutBudgets<string>(budgets.anonymousPut),
    rateLimits,
    clock,
    log,
    times,
  })
  const app = httpServer({
    store,
    anchors,
    signer: signerReader(options.data, anchors, () => log.info('server certificate read')),
    rateLimits,
    permits,
    linking: new Linking(clock),
    devices: hub,
    clock,
    log,
    tokens,
    tls: options.tls ?? null,
  })
  app.server.on('upgrade', (request, stream, head) => hub.upgrade(request, stream, head))
  const watch = new ChangeWatch({ changes: store.changes, events: hub, log, everyMs: times.changesMs })
  const housekeeping = new Housekeeping({ store, clock, log, everyMs: times.housekeepingMs })
  return { app, hub, commits, generations, watch, housekeeping, store }
}

async function listen(app: FastifyInstance, host: string, port: number, secure: boolean): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (thrown) {
    await app.close()
    const code = systemCode(thrown)
    if (code === 'EADDRINUSE' || code === 'EACCES')
      throw new CodedError('relay.portTaken', { port }, { cause: thrown })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new CodedError('argument.invalid', { option: 'host' })
    throw thrown
  }
  const bound = app.server.address()
  const actual = bound !== null && typeof bound === 'object' ? bound.port : port
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${actual}`
}

async function stopAll(parts: Parts, log: RelayLog): Promise<void> {
  const { app, hub, commits, generations, watch, housekeeping, store } = parts
  log.info('relay stopping', { connections: hub.size })
  await watch.stop()
  await housekeeping.stop()
  // What was read is committed and answered first; then the connections go.
  await commits.drain()
  hub.stop()
  await app.close()
  await commits.drain()
  await generations.drain()
  await store.close()
  log.info('relay stopped')
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= work())
}
