import { randomInt } from 'node:crypto'
import type { Agent } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { CodedError, type ErrorCode } from '../../base/errors.ts'
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from '../../wire/http.ts'
import type { Envelope } from '../../wire/relay_pb.ts'
import { advisedWait, connectionBackOff, waitBefore } from './backOff.ts'
import { RelayHttp } from './httpClient.ts'
import { isBound, relayAgent, type RelayEndpoint } from './pinnedAgent.ts'
import { openSocket, type DeviceLogin, type HttpToken, type RelaySocket, type Welcomed } from './socket.ts'

export type ConnectionState =
  | { readonly state: 'connecting'; readonly since: number }
  | { readonly state: 'online'; readonly since: number }
  | {
      readonly state: 'offline'
      readonly since: number
      readonly nextAttemptAt: number | null
      readonly error: CodedError
    }

export interface ConnectionEvents {
  changed(state: ConnectionState): void
  /** Before anything else happens on the connection: it is up once this has settled, and ends when it fails. */
  welcomed(welcomed: Welcomed): Promise<void>
  devicesChanged(revision: number): void
  deliver(envelopes: readonly Envelope[], connection: LiveConnection): void
  queueEmpty(): void
}

/** A connection that is up: what received envelopes are acknowledged on and judged by. */
export interface LiveConnection {
  readonly socket: RelaySocket
  /** The relay's time now, by its clock at the welcome and the time that has passed since. */
  relayTime(): number
}

/** Codes after which trying again by itself is pointless: only a person or an administrator can help. */
const final: ReadonlySet<ErrorCode> = new Set([
  'relay.deviceGone',
  'relay.unauthorised',
  'relay.anchors',
  'relay.version',
  // Another copy of this vault is connected: taking turns would help neither.
  'profile.inUse',
  'device.frozen',
])

/** Keeps one connection to the relay up, with back-off; gives authenticated HTTP while it is. */
export class RelayConnection {
  readonly #endpoint: RelayEndpoint
  readonly #agent: Agent
  readonly #login: DeviceLogin
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly http: RelayHttp
  #live: (LiveConnection & { token: HttpToken }) | null = null
  #attempts = 0
  #retry: NodeJS.Timeout | null = null
  readonly #end = new AbortController()
  #opening = false
  /** Number of the newest connection that was tried. */
  #latest = 0
  #offlineSince: number | null = null

  constructor(endpoint: RelayEndpoint, login: DeviceLogin, events: ConnectionEvents, clock: Clock) {
    this.#endpoint = endpoint
    this.#agent = relayAgent(endpoint)
    this.#login = login
    this.#events = events
    this.#clock = clock
    this.http = new RelayHttp(endpoint.origin, this.#agent)
  }

  get live(): LiveConnection | null {
    return this.#live
  }

  /** Connects now; harmless when it is connected or about to be. */
  start(): void {
    if (this.#end.signal.aborted || this.#opening || this.#live !== null) return
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#opening = true
    this.#events.changed({ state: 'connecting', since: this.#offlineSince ?? this.#clock.now() })
    void this.#open()
  }

  stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#end.abort()
    this.#live = null
    this.http.stop()
    this.#agent.destroy()
  }

  /** An authenticated request. Throws `relay.unreachable` while there is no connection. */
  async request<N extends RouteName>(
    name: N,
    parts: { readonly query?: RouteQuery<N>; readonly body?: RouteBody<N> } = {},
  ): Promise<RouteAnswer<N>> {
    return await this.http.request(name, { ...parts, token: await this.#token() })
  }

  async requestRaw<N extends RouteName>(
    name: N,
    parts: { readonly query?: RouteQuery<N> } = {},
  ): Promise<unknown> {
    return await this.http.requestRaw(name, { ...parts, token: await this.#token() })
  }

  async #token(): Promise<string> {
    const live = this.#live
    if (live === null) throw new CodedError('relay.unreachable')
    if (live.token.expiresAt - live.relayTime() < 60_000) live.token = await live.socket.requestToken()
    return live.token.value
  }

  async #open(): Promise<void> {
    // Envelopes may follow the welcome in the same read, before the vault has been found to be the right one.
    const early: (readonly Envelope[])[] = []
    let emptyEarly = false
    let socket: RelaySocket | null = null
    this.#latest += 1
    const opening = this.#latest
    try {
      const { origin } = this.#endpoint
      const bound = isBound(this.#endpoint)
      const endpoint = { origin, bound, agent: this.#agent, ended: this.#end.signal }
      const welcomed = await openSocket(endpoint, this.#login, {
        deliver: (envelopes) => {
          const live = this.#live
          if (live === null) early.push(envelopes)
          else this.#events.deliver(envelopes, live)
        },
        queueEmpty: () => {
          if (this.#live === null) emptyEarly = true
          else this.#caughtUp()
        },
        devicesChanged: (revision) => this.#events.devicesChanged(revision),
        // One that ends late does not touch what came after it.
        closed: (error) => {
          if (opening === this.#latest) this.#closed(error)
        },
      })
      socket = welcomed.socket
      await this.#events.welcomed(welcomed)
      if (this.#end.signal.aborted) return socket.close()
      if (socket.isLost) return
      const live = this.#welcome(welcomed)
      for (const envelopes of early) this.#events.deliver(envelopes, live)
      if (emptyEarly) this.#caughtUp()
    } catch (error) {
      // Not reached: `closed` knows why. Reached, and what follows failed here (a full disk): not to be kept.
      socket?.close(error instanceof CodedError ? error : new CodedError('internal'))
    } finally {
      if (opening === this.#latest) this.#opening = false
    }
  }

  #welcome({ socket, token, relayTime }: Welcomed): LiveConnection {
    const welcomedAt = performance.now()
    const live = { socket, token, relayTime: () => relayTime + Math.round(performance.now() - welcomedAt) }
    this.#live = live
    this.#offlineSince = null
    this.#events.changed({ state: 'online', since: this.#clock.now() })
    return live
  }

  /** Only now is the connection a good one: a welcome that leads nowhere must not shorten the next wait. */
  #caughtUp(): void {
    this.#attempts = 0
    this.#events.queueEmpty()
  }

  #closed(error: CodedError): void {
    this.#live = null
    this.#opening = false
    if (this.#end.signal.aborted) return
    this.#attempts += 1
    this.#offlineSince ??= this.#clock.now()
    const nextAttemptAt = final.has(error.code) ? null : this.#scheduleRetry(error.details['retryAfterMs'])
    this.#events.changed({ state: 'offline', since: this.#offlineSince, nextAttemptAt, error })
  }

  #scheduleRetry(advisedMs: unknown): number {
    const random = randomInt(1_000_000) / 1_000_000
    const wait = advisedWait(waitBefore(this.#attempts, connectionBackOff, random), advisedMs)
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.start()
    }, wait)
    this.#retry.unref()
    return this.#clock.now() + wait
  }
}
