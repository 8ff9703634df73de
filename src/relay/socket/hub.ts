import { randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import type { Bytes } from '../../base/bytes.ts'
import { channelBinding } from '../../wire/channel.ts'
import { anonymousSocketPath, socketPath } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { reportOf } from '../../base/errors.ts'
import type { RateLimits } from '../http/budgets.ts'
import type { ChangeEvents } from '../changes.ts'
import { bufferedBytesMax } from '../queue/delivery.ts'
import type { Arrival, HeldDevice, PeerEvents, Peers } from '../peers/peers.ts'
import type { PutTarget, StoredEnvelope } from '../store/store.ts'
import type { ConnectionCounts } from '../operations/metrics.ts'
import { AnonymousConnection, type AnonymousDeps } from './anonymous.ts'
import { ByAccount } from './byAccount.ts'
import { Connection, type ConnectionDeps } from './connection.ts'
import { Interval } from './deadline.ts'
import { EphemeralChecks } from './ephemeralChecks.ts'
import { ephemeralFrame } from './frames.ts'
import { Holders } from './holders.ts'
import { closeCodes, Link } from './link.ts'
import type { Peer } from './peer.ts'
import { Strangers } from './strangers.ts'

/** Connections that have not proved themselves yet: more of them are turned away before they cost anything. */
const strangersMax = 1_000
/** Of one network address: nobody takes all the places, and a whole office may come back at once. */
const strangersOfAddress = 500
/** Connections of nobody stay what they are: one a workstation, a whole office behind one address. */
const anonymousMax = 20_000
const anonymousOfAddress = 10_000

/** Who was turned away has this long to read why, in milliseconds. */
const turnedAwayMs = 2_000
const unavailable = '503 Service Unavailable'

/** A reconnecting device costs about this much of a processor, in milliseconds (measured: 700 TLS handshakes a second). */
const returnMs = 2
const returnSpreadMaxMs = 120_000

/** Over how long connections are asked to come back, so that they do not come at once. */
export function returnSpreadMs(connections: number): number {
  return Math.min(returnSpreadMaxMs, Math.max(1_000, connections * returnMs))
}

type Made = 'arrive' | 'proved' | 'ephemeral' | 'checks'

export interface HubDeps extends Omit<ConnectionDeps & AnonymousDeps, Made> {
  readonly rateLimits: Pick<RateLimits, 'upgrade'>
  readonly peers: Peers
  /** The network address that a request comes from, for budgets only. */
  readonly addressOf: (request: IncomingMessage) => string
}

/** All connections of the relay: takes them in, keeps the living, hands out what was committed. */
export class SocketHub implements ChangeEvents, PeerEvents {
  readonly #deps: HubDeps
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    clientTracking: false,
  })
  readonly #all = new Set<Peer>()
  readonly #strangers = new Strangers<Peer>(strangersMax, strangersOfAddress)
  readonly #anonymous = new Strangers<Peer>(anonymousMax, anonymousOfAddress)
  readonly #holders: Holders
  readonly #byAccount = new ByAccount()
  readonly #checks: EphemeralChecks
  readonly #keepAlive: Interval
  #paused = false
  #stopping = false
  #emptied: () => void = () => undefined

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.#holders = new Holders({ ...deps, holderProbeMs: deps.times.holderProbeMs })
    this.#checks = new EphemeralChecks(deps.store.queues)
    this.#keepAlive = new Interval(
      deps.times.keepAliveMs,
      () => this.#paused,
      () => this.#checkAll(),
    ).unref()
  }

  get size(): number {
    return this.#all.size
  }

  get counts(): ConnectionCounts {
    const [strangers, anonymous] = [this.#strangers.size, this.#anonymous.size]
    return { devices: this.#all.size - strangers - anonymous, anonymous, strangers }
  }

  /** For the HTTP server's `upgrade` event. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Node has taken its own listener off: without this one a peer that resets ends the whole process.
    stream.on('error', () => stream.destroy())
    void this.#admit(request, stream, head)
  }

  async #admit(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const path = (request.url ?? '').split('?')[0]
    if (path !== socketPath && path !== anonymousSocketPath) return turnAway(stream, '404 Not Found')
    const address = this.#deps.addressOf(request)
    try {
      await this.#deps.rateLimits.upgrade(address, path)
    } catch (thrown) {
      const { code } = reportOf(thrown)
      this.#deps.log.debug('connection refused', { error: code })
      return turnAway(stream, code === 'relay.tooManyRequests' ? '429 Too Many Requests' : unavailable)
    }
    const places = path === socketPath ? this.#strangers : this.#anonymous
    if (this.#stopping || !places.hasRoom(address)) return turnAway(stream, unavailable)
    this.#server.handleUpgrade(request, stream, head, (socket) =>
      this.#open(socket, stream, (link) => {
        const peer =
          path === socketPath ? this.#device(link, channelBinding(stream)) : this.#nobody(link, address)
        places.add(peer, address)
        return peer
      }),
    )
  }

  /** Hands newly committed envelopes to the connections of their devices. */
  stored(envelopes: readonly StoredEnvelope[]): void {
    const runs = new Map<Connection, StoredEnvelope[]>()
    const elsewhere = new Set<number>()
    for (const envelope of envelopes) {
      const connection = this.#holders.get(envelope.device)
      if (connection === undefined) {
        elsewhere.add(envelope.device)
        continue
      }
      const run = runs.get(connection)
      if (run === undefined) runs.set(connection, [envelope])
      else run.push(envelope)
    }
    for (const [connection, run] of runs) connection.stored(run)
    this.#deps.peers.stored(elsewhere)
  }

  wake(devices: readonly number[]): void {
    for (const device of devices) this.#holders.get(device)?.look()
  }

  async elsewhere(device: number, holder: Bytes): Promise<Arrival> {
    return this.#holders.elsewhere(device, holder)
  }

  frozen(device: number): void {
    this.#holders.get(device)?.refuse('device.frozen')
  }

  held(): readonly HeldDevice[] {
    return this.#holders.held()
  }

  removed(devices: readonly number[]): void {
    for (const device of devices) this.#holders.get(device)?.refuse('relay.deviceGone')
  }

  changed(accountId: string, revision: number): void {
    for (const connection of this.#byAccount.of(accountId)) connection.changed(revision)
  }

  disabled(accountId: string): void {
    for (const connection of this.#byAccount.of(accountId)) connection.refuse('account.disabled')
  }

  missed(): void {
    for (const peer of this.#all) {
      if (peer instanceof Connection) peer.refuse('relay.unavailable')
    }
  }

  /** While too much waits for the disk, nothing more is read from anybody. */
  pressure(high: boolean): void {
    this.#paused = high
    for (const { link } of this.#all) {
      if (high) link.hold('disk')
      else link.release('disk')
    }
  }

  /** Takes no more connections and reads nothing more from those there are. */
  quiesce(): void {
    this.#stopping = true
    this.#keepAlive.end()
    for (const { link } of this.#all) link.hold('stop')
  }

  /** Ends the connections, each with an advice of its own when to come back; settles when they are closed. */
  async stop(): Promise<void> {
    this.quiesce()
    const spreadMs = returnSpreadMs(this.#all.size)
    const closed =
      this.#all.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => (this.#emptied = resolve))
    for (const peer of this.#all) {
      peer.ended()
      peer.link.refuse('relay.unavailable', closeCodes.goingAway, 1 + randomInt(spreadMs))
      // Its answer to the close has to be read.
      for (const reason of ['stop', 'disk', 'peer'] as const) peer.link.release(reason)
    }
    await closed
  }

  #device(link: Link, channel: Bytes): Connection {
    return new Connection(link, channel, {
      ...this.#deps,
      proved: (connection) => {
        this.#strangers.remove(connection)
        this.#byAccount.add(connection)
      },
      arrive: async (connection, device, holder) => this.#holders.arrive(connection, device, holder),
    })
  }

  #nobody(link: Link, address: string): AnonymousConnection {
    return new AnonymousConnection(link, address, {
      ...this.#deps,
      checks: this.#checks,
      ephemeral: (targets) => {
        this.passOn(targets)
        this.#deps.peers.ephemeral(targets.filter(({ device }) => this.#holders.get(device) === undefined))
      },
    })
  }

  #open(socket: WebSocket, stream: Duplex, make: (link: Link) => Peer): void {
    const link = new Link(socket, stream, () => peer.sent())
    const peer = make(link)
    this.#all.add(peer)
    if (this.#paused) link.hold('disk')
    this.#deps.log.debug('connection opened', { connections: this.#all.size })
    socket.on('message', (data: RawData, binary: boolean) => peer.receive(bytesOf(data), binary))
    socket.on('pong', (payload: Buffer) => {
      link.pong(payload)
      peer.heard()
    })
    // ws answers an oversized or broken WebSocket message with its close code by itself; `close` follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#forget(peer))
  }

  /** Who reads too slowly loses what is not kept. */
  passOn(targets: readonly PutTarget[]): void {
    const now = this.#deps.clock.now()
    for (const { device, envelope } of targets) {
      const connection = this.#holders.get(device)
      if (connection === undefined || !connection.welcome || connection.link.buffered > bufferedBytesMax)
        continue
      connection.link.send(ephemeralFrame(envelope, now))
    }
  }

  #forget(peer: Peer): void {
    peer.ended()
    peer.link.ended()
    this.#all.delete(peer)
    this.#strangers.remove(peer)
    this.#anonymous.remove(peer)
    if (peer instanceof Connection) {
      this.#holders.forget(peer)
      this.#byAccount.remove(peer)
    }
    this.#deps.log.debug('connection closed', { connections: this.#all.size })
    if (this.#all.size === 0) this.#emptied()
  }

  #checkAll(): void {
    for (const peer of this.#all) peer.keepAlive()
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}

function turnAway(stream: Duplex, status: string): void {
  // The server keeps half-open connections: one that is never closed from the other side would stay.
  const late = setTimeout(() => stream.destroy(), turnedAwayMs).unref()
  stream.once('close', () => clearTimeout(late))
  stream.resume()
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
