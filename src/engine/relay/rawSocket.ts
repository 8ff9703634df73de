import type { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import WebSocket from 'ws'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError, isErrorCode } from '../../base/errors.ts'
import { channelBinding, unbound } from '../../wire/channel.ts'
import { limits } from '../../wire/limits.ts'
import { ClientFrameSchema, ServerFrameSchema, type Refusal, type ServerFrame } from '../../wire/relay_pb.ts'
import { networkError } from './httpClient.ts'

export type IncomingFrame = ServerFrame['frame']
export type OutgoingFrame = NonNullable<MessageInitShape<typeof ClientFrameSchema>['frame']>

export interface RawSocketEvents {
  frame(frame: IncomingFrame): void
  /** The connection has ended, or never began; called once. */
  closed(error: CodedError): void
}

/** Where to connect, and what ends a connection wherever it stands: it may be on its way to a welcome. */
export interface SocketEndpoint {
  readonly origin: string
  readonly agent: Agent
  readonly ended: AbortSignal
}

/** How long it may take until the relay has spoken the frames of a welcome, in ms. */
const welcomeMs = 20_000

/** One WebSocket connection to the relay: frames out, frames in, one end. */
export class RawSocket {
  readonly #socket: WebSocket
  readonly #events: RawSocketEvents
  readonly #stopKeepAlive: () => void
  readonly #unwelcome: NodeJS.Timeout
  readonly #ended: AbortSignal
  readonly #end = (): void => this.close()
  /** What the relay said before it closed. */
  #reason: CodedError | null = null
  #lost: CodedError | null = null
  #stream: Duplex | null = null

  constructor(endpoint: SocketEndpoint, path: string, events: RawSocketEvents) {
    const url = new URL(path, endpoint.origin)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#events = events
    this.#socket = new WebSocket(url, {
      agent: endpoint.agent,
      perMessageDeflate: false,
      maxPayload: 16 * 1024 * 1024,
      handshakeTimeout: limits.authenticationMs,
    })
    this.#socket.binaryType = 'nodebuffer'
    this.#unwelcome = setTimeout(() => this.close(), welcomeMs)
    this.#stopKeepAlive = keepAlive(this.#socket, () => this.close())
    this.#ended = endpoint.ended
    this.#ended.addEventListener('abort', this.#end)
    this.#socket.on('upgrade', (response) => (this.#stream = response.socket))
    this.#socket.on('error', (error) => this.close(networkError(error)))
    this.#socket.on('close', () => this.close(this.#reason ?? undefined))
    this.#socket.on('message', (data) => this.#receive(data))
  }

  /** Why it ended; null while it lives. */
  get lost(): CodedError | null {
    return this.#lost
  }

  /** The relay has said what it had to say first: from now on only silence ends the connection. */
  welcomed(): void {
    clearTimeout(this.#unwelcome)
  }

  /** What both ends of the TLS channel have and nobody else; empty without TLS 1.3. */
  get channel(): Bytes {
    return this.#stream === null ? unbound : channelBinding(this.#stream)
  }

  send(frame: OutgoingFrame): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    this.#socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
  }

  close(reason: CodedError = new CodedError('relay.unreachable')): void {
    if (this.#lost !== null) return
    this.#lost = reason
    this.#stopKeepAlive()
    this.#ended.removeEventListener('abort', this.#end)
    clearTimeout(this.#unwelcome)
    this.#socket.terminate()
    this.#events.closed(reason)
  }

  #receive(data: WebSocket.RawData): void {
    if (this.#lost !== null) return
    const frame = parsedFrame(data)
    if (frame === null) return this.close(new CodedError('relay.malformedAnswer'))
    if (frame.case === 'refusal') this.#reason = refusalError(frame.value)
    else this.#hand(frame)
  }

  /** What cannot be handled here (a full disk, a vault that was closed) costs the connection and nothing more. */
  #hand(frame: IncomingFrame): void {
    try {
      this.#events.frame(frame)
    } catch (error) {
      this.close(error instanceof CodedError ? error : new CodedError('internal', {}, { cause: error }))
    }
  }
}

export function refusalError(refusal: Refusal): CodedError {
  return new CodedError(isErrorCode(refusal.code) ? refusal.code : 'relay.malformedAnswer', {
    retryAfterMs: refusal.retryAfterMs,
  })
}

function parsedFrame(data: WebSocket.RawData): IncomingFrame | null {
  if (!Buffer.isBuffer(data)) return null
  try {
    return fromBinary(ServerFrameSchema, data).frame
  } catch {
    return null
  }
}

/** Ends a connection whose other end is silent: a cut cable closes no socket by itself. Returns its stop. */
function keepAlive(socket: WebSocket, dead: () => void): () => void {
  let heard = true
  const hear = (): void => {
    heard = true
  }
  socket.on('pong', hear)
  socket.on('ping', hear)
  socket.on('message', hear)
  const timer = setInterval(() => {
    if (!heard) return dead()
    heard = false
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, limits.keepAliveMs)
  timer.unref()
  return () => clearInterval(timer)
}
