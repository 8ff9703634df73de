import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { socketPath } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { reportOf } from '../../base/errors.ts'
import type { RateLimits } from '../http/budgets.ts'
import type { StoredEnvelope } from '../store/store.ts'
import { Connection, type ConnectionDeps } from './connection.ts'
import { closeCodes, Link } from './link.ts'
import { Strangers } from './strangers.ts'

/** Connections that have not proved themselves yet: more of them are turned away before they cost anything. */
const strangersMax = 1_000
/** Of one network address: nobody takes all the places, and a whole office may come back at once. */
const strangersOfAddress = 500

/** Who was turned away has this long to read why, in milliseconds. */
const turnedAwayMs = 2_000
const unavailable = '503 Service Unavailable'

export interface HubDeps extends Omit<ConnectionDeps, 'welcomed'> {
  readonly rateLimits: Pick<RateLimits, 'upgrade'>
}

/** All connections of the relay: takes them in, keeps the living, hands out what was committed. */
export class SocketHub {
  readonly #deps: HubDeps
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    clientTracking: false,
  })
  readonly #all = new Set<Connection>()
  readonly #strangers = new Strangers<Connection>(strangersMax, strangersOfAddress)
  readonly #byDevice = new Map<number, Connection>()
  readonly #keepAlive: NodeJS.Timeout
  #paused = false
  #stopping = false

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.#keepAlive = setInterval(() => this.#checkAll(), deps.times.keepAliveMs)
    this.#keepAlive.unref()
  }

  get size(): number {
    return this.#all.size
  }

  /** For the HTTP server's `upgrade` event. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    // Node has taken its own listener off: without this one a peer that resets ends the whole process.
    stream.on('error', () => stream.destroy())
    void this.#admit(request, stream, head)
  }

  async #admit(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const path = (request.url ?? '').split('?')[0]
    if (path !== socketPath) return turnAway(stream, '404 Not Found')
    const address = request.socket.remoteAddress ?? ''
    try {
      await this.#deps.rateLimits.upgrade(address)
    } catch (thrown) {
      const { code } = reportOf(thrown)
      this.#deps.log.debug('connection refused', { error: code })
      return turnAway(stream, code === 'relay.tooManyRequests' ? '429 Too Many Requests' : unavailable)
    }
    if (this.#stopping || !this.#strangers.hasRoom(address)) return turnAway(stream, unavailable)
    this.#server.handleUpgrade(request, stream, head, (socket) => this.#open(socket, stream, address))
  }

  /** Hands newly committed envelopes to the connections of their devices. */
  stored(envelopes: readonly StoredEnvelope[]): void {
    const runs = new Map<Connection, StoredEnvelope[]>()
    for (const envelope of envelopes) {
      const connection = this.#byDevice.get(envelope.device)
      if (connection === undefined) continue
      const run = runs.get(connection)
      if (run === undefined) runs.set(connection, [envelope])
      else run.push(envelope)
    }
    for (const [connection, run] of runs) connection.stored(run)
  }

  /** While too much waits for the disk, nothing more is read from anybody. */
  pressure(high: boolean): void {
    this.#paused = high
    for (const { link } of this.#all) {
      if (high) link.hold('disk')
      else link.release('disk')
    }
  }

  /** Takes no more connections and ends those there are. */
  stop(): void {
    this.#stopping = true
    clearInterval(this.#keepAlive)
    for (const connection of this.#all) {
      connection.ended()
      connection.link.close(closeCodes.goingAway)
    }
  }

  #open(socket: WebSocket, stream: Duplex, address: string): void {
    const link = new Link(socket, stream, () => connection.sent())
    const connection = new Connection(link, {
      ...this.#deps,
      welcomed: (welcomed, device) => this.#register(welcomed, device),
    })
    this.#all.add(connection)
    this.#strangers.add(connection, address)
    if (this.#paused) link.hold('disk')
    this.#deps.log.debug('connection opened', { connections: this.#all.size })
    socket.on('message', (data: RawData, binary: boolean) => connection.receive(bytesOf(data), binary))
    socket.on('pong', () => connection.heard())
    // ws answers an oversized or broken WebSocket message with its close code by itself; `close` follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#forget(connection))
  }

  #register(connection: Connection, device: number): void {
    this.#strangers.remove(connection)
    const before = this.#byDevice.get(device)
    this.#byDevice.set(device, connection)
    before?.replaced()
  }

  #forget(connection: Connection): void {
    connection.ended()
    this.#all.delete(connection)
    this.#strangers.remove(connection)
    const { device } = connection
    if (device !== null && this.#byDevice.get(device) === connection) this.#byDevice.delete(device)
    this.#deps.log.debug('connection closed', { connections: this.#all.size })
  }

  #checkAll(): void {
    for (const connection of this.#all) connection.keepAlive()
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
