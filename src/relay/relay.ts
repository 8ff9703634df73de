import type { IncomingMessage } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { systemClock, type Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { pageProblem, type PagePlace } from './admin/address.ts'
import { Admin, type AdminOptions } from './admin/admin.ts'
import { lockData, type DataLock } from './data/dataLock.ts'
import { Permits } from './crypto/permits.ts'
import { blobFolder, readRelayData, signerReader, type RelayData } from './data/relayData.ts'
import { RateLimits, usualBudgets, type Budgets } from './http/budgets.ts'
import { checkTlsFiles, type TlsFiles } from './data/tlsFiles.ts'
import { clientAddress } from './http/clientAddress.ts'
import { BegunRequests } from './http/begunRequests.ts'
import { httpServer, secureContext } from './http/server.ts'
import { listen } from './listen.ts'
import { readLastBackup } from './operations/status.ts'
import { Operations, type OperationsOptions } from './operations/operations.ts'
import { Readiness } from './operations/readiness.ts'
import { TlsKeeper } from './operations/tlsKeeper.ts'
import { isLoopback } from './settings/conflicts.ts'
import { networkList } from './settings/networks.ts'
import { stopRelay, type StoppableParts } from './stop.ts'
import { Blobs, usualBlobSettings, type BlobSettings } from './blobs/blobs.ts'
import { startBudgets, type AlertMailOptions } from './budgets/budgets.ts'
import { usualAccountBudgets, type AccountBudgets } from './budgets/table.ts'
import { Counters, type RelayCounters } from './counters.ts'
import { silentLog, type RelayLog } from './log.ts'
import { GenerationCommit } from './queue/generationCommit.ts'
import { GroupCommit } from './queue/groupCommit.ts'
import { limits } from '../wire/limits.ts'
import { ChangeWatch } from './changes.ts'
import { Housekeeping } from './housekeeping.ts'
import type { ConnectionTimes } from './socket/connection.ts'
import { SocketHub } from './socket/hub.ts'
import { PutBudgets } from './socket/putBudgets.ts'
import type { SqliteOptions } from './store/sqliteOpen.ts'
import { engineOf, openEngine, type Engine, type EngineChoice } from './engine.ts'
import { sharedTokenKey, Tokens } from './tokens.ts'

export interface RelayOptions {
  /** A folder that `initRelay` made. */
  readonly data: string
  /** Left out: 127.0.0.1. Without TLS, here or at a proxy, only loopback is taken. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port?: number
  readonly tls?: TlsFiles
  /** Reads the TLS files again, so that renewed ones are taken while it runs. */
  readonly readTls?: () => Promise<TlsFiles>
  /** A proxy in front of the relay ends TLS: HTTP is taken beyond loopback. */
  readonly tlsEndsAtProxy?: boolean
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed, for budgets only. */
  readonly trustedProxies?: readonly string[]
  /** Left out: no port for metrics and state, and nothing is counted. */
  readonly operations?: OperationsOptions
  /** Left out: no administrator's page, and no second factor is asked for. */
  readonly admin?: AdminOptions
  /** Left out: what the data folder says. */
  readonly engine?: EngineChoice
  readonly database?: SqliteOptions
  readonly budgets?: Partial<Budgets>
  /** What an account may do within an hour or a day, where it is not `usualAccountBudgets`. */
  readonly accountBudgets?: Partial<AccountBudgets>
  /** Left out: alerts are only kept. */
  readonly alertMail?: AlertMailOptions
  readonly counters?: RelayCounters
  readonly blobs?: Partial<BlobSettings>
  /** Left out: those of `limits`. */
  readonly times?: Partial<RelayTimes>
  readonly clock?: Clock
  readonly log?: RelayLog
}

/** Milliseconds. */
export interface RelayTimes extends ConnectionTimes {
  readonly changesMs: number
  readonly housekeepingMs: number
  /** Between two looks for what other processes said and was not heard. */
  readonly peersMs: number
  /** Between two looks at the TLS files. */
  readonly tlsMs: number
  /** Between two samples of the queues. */
  readonly sampleMs: number
  /** The longest time of an orderly stop. */
  readonly stopMs: number
  /** For the body of a request; for a file, between two parts of it. */
  readonly bodyMs: number
}

const usualTimes: RelayTimes = {
  ...limits,
  peersMs: 5_000,
  tlsMs: 60_000,
  sampleMs: 60_000,
  stopMs: 20_000,
  bodyMs: 30_000,
}

export interface RunningRelay {
  /** `http://127.0.0.1:PORT`, or https with TLS. */
  readonly address: string
  /** Where metrics and state are served, or null. */
  readonly operations: string | null
  /** Where the administrator's page is, or null. */
  readonly admin: string | null
  readonly relayId: string
  /** Reads the TLS files again. */
  reload(): Promise<void>
  /** Ends the connections, commits what was taken, closes the files. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts a relay. Throws `relay.tlsRequired` for a host that is not loopback without TLS, `relay.portTaken`,
 * `relay.dataInUse`, `argument.invalid` for a TLS key that does not fit, `config.pageAddress` and `config.pageNumber` for a
 * page that no browser would sign under or workstation open, and the codes of `readRelayData`.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const host = options.host ?? '127.0.0.1'
  const secure = options.tls !== undefined
  if (!secure && options.tlsEndsAtProxy !== true && !isLoopback(host))
    throw new CodedError('relay.tlsRequired')
  const { listen: page = null } = options.admin ?? {}
  if (page !== null && !secure && options.tlsEndsAtProxy !== true && !isLoopback(page.host))
    throw new CodedError('relay.tlsRequired')
  if (options.tls !== undefined) checkTlsFiles(options.tls)
  const problem = options.admin === undefined ? null : pageProblem(placeOf(options.admin, options))
  if (problem !== null) throw new CodedError(problem.code, { key: problem.key })
  const data = await readRelayData(options.data)
  const choice = options.engine ?? (await engineOf(options.data))
  // Several processes may share a database, and then a folder too.
  const lock: DataLock = choice.kind === 'sqlite' ? lockData(options.data) : { release: () => undefined }
  let engine: Engine | null = null
  let parts: Parts | null = null
  try {
    const { peersMs, holderProbeMs, stopMs } = { ...usualTimes, ...options.times }
    const { database: sqlite = {}, log = silentLog, clock = systemClock } = options
    engine = await openEngine({ folder: options.data, choice, sqlite, clock, log, peersMs, holderProbeMs })
    const made = assemble(options, engine, data)
    parts = made
    await made.blobs.start()
    await made.watch.start()
    await made.peers.start(made.hub)
    const address = await listen(made.app, { host, port: options.port ?? 0, secure, option: 'host' })
    const operations = await startOperations(made, options, address)
    const admin = await startAdmin(made, options.data)
    made.tls?.start()
    made.log.info('relay started')
    const stop = once(() => stopRelay(made, options.data, made.log, stopMs).finally(() => lock.release()))
    const reload = async (): Promise<void> => made.tls?.reload()
    return { address, operations, admin, relayId: data.anchors.relayId, reload, stop }
  } catch (thrown) {
    await parts?.watch.stop()
    await parts?.housekeeping.stop()
    await parts?.blobs.stop()
    await parts?.accountBudgets.stop()
    await parts?.peers.stop()
    await engine?.store.close()
    lock.release()
    throw thrown
  }
}

function placeOf({ listen: page, address, relay }: AdminOptions, options: RelayOptions): PagePlace {
  const { tls, tlsEndsAtProxy } = options
  const plain = tlsEndsAtProxy === true ? 'proxy' : 'none'
  return { address, relay, port: page?.port ?? null, tls: tls === undefined ? plain : 'here' }
}

async function startOperations(parts: Parts, options: RelayOptions, address: string): Promise<string | null> {
  if (parts.operations === null || options.operations === undefined) return null
  try {
    return await parts.operations.start(options.data, options.operations, { address })
  } catch (thrown) {
    await parts.app.close()
    throw thrown
  }
}

async function startAdmin(parts: Parts, data: string): Promise<string | null> {
  try {
    return (await parts.admin?.start()) ?? null
  } catch (thrown) {
    await parts.operations?.stop(data)
    await parts.app.close()
    throw thrown
  }
}

interface Parts extends StoppableParts {
  readonly log: RelayLog
}

function assemble(options: RelayOptions, engine: Engine, data: RelayData): Parts {
  const { store, peers, linking } = engine
  const { anchors } = data
  const clock = options.clock ?? systemClock
  const times = { ...usualTimes, ...options.times }
  const readiness = new Readiness({
    write: async () => store.stats.probe(clock.now()),
    failedAt: () => commits.failedAt,
  })
  const plainLog = options.log ?? silentLog
  const operations: Operations | null =
    options.operations === undefined
      ? null
      : new Operations({
          stats: store.stats,
          readiness,
          clock,
          log: plainLog,
          sampleMs: times.sampleMs,
          watched: () => ({ hub, commits, tls }),
        })
  const log: RelayLog = operations?.log ?? plainLog
  const trusted = networkList(options.trustedProxies ?? [])
  const addressOf = (request: IncomingMessage): string =>
    clientAddress(request.socket.remoteAddress ?? '', request.headers['x-forwarded-for'], trusted)
  const tokens =
    engine.kind === 'sqlite' ? new Tokens(clock) : new Tokens(clock, sharedTokenKey(data.zkSecretParams))
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
  const counters = options.counters ?? operations?.metrics ?? new Counters()
  const table = accountBudgetsOf(options)
  const accountBudgets = startBudgets({
    store,
    table,
    mail: options.alertMail ?? null,
    relayName: anchors.organisation,
    clock,
    log,
    counters,
    stepUp: async (device, budget) => (await admin?.stepUp(device, budget)) ?? 'none',
  })
  const blobs = new Blobs({
    folder: blobFolder(options.data),
    store: store.blobs,
    settings: { ...usualBlobSettings, shared: engine.kind === 'postgres', ...options.blobs },
    clock,
    log,
    counters,
  })
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
    peers,
    clock,
    log,
    times,
    addressOf,
  })
  const begun = new BegunRequests()
  const app = httpServer({
    begun,
    store,
    anchors,
    signer: signerReader(options.data, anchors, () => log.info('server certificate read')),
    rateLimits,
    ledger: accountBudgets.ledger,
    seen: accountBudgets.seen,
    counters,
    permits,
    linking,
    devices: hub,
    clock,
    log,
    tokens,
    blobs,
    bodyMs: times.bodyMs,
    tls: options.tls ?? null,
    addressOf,
    ready: async () => readiness.look(),
  })
  app.server.on('upgrade', (request, stream, head) => hub.upgrade(request, stream, head))
  const tls: TlsKeeper | null =
    options.tls === undefined
      ? null
      : tlsKeeper(options, options.tls, app, { clock, log, times }, (files) => admin?.renew(files))
  const startedAt = clock.now()
  const admin: Admin | null =
    options.admin === undefined
      ? null
      : new Admin(options.admin, {
          store,
          anchors,
          ledger: accountBudgets.ledger,
          table,
          tls: options.tls ?? null,
          clock,
          log,
          addressOf,
          overview: async () => ({
            version: options.operations?.version ?? '',
            startedAt,
            ready: (await readiness.look()) === null,
            connections: { devices: hub.counts.devices, anonymous: hub.counts.anonymous },
            queued: operations?.queued ?? null,
            tls: tls?.state ?? null,
            lastBackupAt: (await readLastBackup(options.data))?.at ?? null,
          }),
        })
  const watch = new ChangeWatch({ changes: store.changes, events: hub, log, everyMs: times.changesMs })
  const housekeeping = new Housekeeping({ store, linking, clock, log, everyMs: times.housekeepingMs })
  return {
    app,
    begun,
    hub,
    commits,
    generations,
    watch,
    housekeeping,
    readiness,
    tls,
    operations,
    store,
    log,
    accountBudgets,
    blobs,
    peers,
    admin,
  }
}

function tlsKeeper(
  options: RelayOptions,
  files: TlsFiles,
  app: FastifyInstance,
  { clock, log, times }: { readonly clock: Clock; readonly log: RelayLog; readonly times: RelayTimes },
  alsoApply: (files: TlsFiles) => void,
): TlsKeeper {
  return new TlsKeeper(files, {
    read: options.readTls ?? (async () => files),
    apply: (renewed) => {
      if (app.server instanceof TlsServer) app.server.setSecureContext(secureContext(renewed))
      alsoApply(renewed)
    },
    clock,
    log,
    everyMs: times.tlsMs,
  })
}

function accountBudgetsOf({ accountBudgets, database }: RelayOptions): AccountBudgets {
  const { permitsPerDay } = database ?? {}
  if (permitsPerDay === undefined) return { ...usualAccountBudgets, ...accountBudgets }
  const { permits } = usualAccountBudgets
  const account = { soft: permitsPerDay, hard: permitsPerDay }
  return { ...usualAccountBudgets, permits: { ...permits, account }, ...accountBudgets }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= work())
}
