import type { Agent } from 'node:http'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import WebSocket from 'ws'
import { fromUuid, type Bytes } from '../../base/bytes.ts'
import { CodedError, isErrorCode, type ErrorCode } from '../../base/errors.ts'
import { authenticationInput } from '../../wire/authentication.ts'
import { socketPath } from '../../wire/http.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import {
  ClientFrameSchema,
  ServerFrameSchema,
  type Challenge,
  type Envelope,
  type PutResult,
  type Refusal,
  type ServerFrame,
  type Token,
} from '../../wire/relay_pb.ts'
import { networkError } from './httpClient.ts'

/** How this device proves itself (Ed25519 by its device key). */
export interface DeviceLogin {
  readonly accountId: string
  readonly deviceId: number
  readonly relayId: string
  sign(input: Uint8Array): Bytes
}

export interface OutgoingEnvelope {
  readonly deviceId: number
  readonly registrationId: number
  readonly envelopeId: Bytes
  readonly body: Bytes
}

/** What the relay answered to a put: a closed list, each with its own consequence in the outbox. */
export type PutOutcome =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'devices'
      readonly missing: readonly number[]
      readonly extra: readonly number[]
      readonly stale: readonly number[]
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly retryAfterMs: number }

export interface SocketEvents {
  deliver(envelopes: readonly Envelope[]): void
  queueEmpty(): void
  /** The connection has ended; called once, also when it never came to a welcome. */
  closed(error: CodedError): void
}

export interface Welcomed {
  readonly socket: RelaySocket
  readonly token: HttpToken
  /** ms since the epoch, by the relay's clock, at the welcome. */
  readonly relayTime: number
}

export interface HttpToken {
  readonly value: string
  /** By the relay's clock. */
  readonly expiresAt: number
}

/** How long an answer may take, in ms; past it the connection is taken for dead. */
const answerMs = 30_000
const welcomeMs = 20_000

type FrameInit = NonNullable<MessageInitShape<typeof ClientFrameSchema>['frame']>

/** One authenticated WebSocket connection to the relay. Made by `openSocket`, dead after `closed`. */
export class RelaySocket {
  readonly #socket: WebSocket
  readonly #puts = new Map<number, { resolve(outcome: PutOutcome): void; reject(error: Error): void }>()
  readonly #tokens: { resolve(token: HttpToken): void; reject(error: Error): void }[] = []
  #nextRequest = 1
  #lost: CodedError | null = null

  readonly #end: (reason: CodedError) => void

  constructor(socket: WebSocket, end: (reason: CodedError) => void) {
    this.#socket = socket
    this.#end = end
  }

  /** True once the connection has ended, whatever is still to be read of it. */
  get isLost(): boolean {
    return this.#lost !== null
  }

  /** Rejects with `relay.unreachable` when the connection ends before the answer: it may or may not be stored. */
  put(destination: Bytes, envelopes: readonly OutgoingEnvelope[]): Promise<PutOutcome> {
    const requestId = this.#nextRequest
    this.#nextRequest = (requestId % 0xffff_ffff) + 1
    return this.#within((resolve, reject) => {
      this.#puts.set(requestId, { resolve, reject })
      this.send({
        case: 'put',
        value: {
          requestId,
          destination,
          envelopes: envelopes.map(({ envelopeId, ...envelope }) => ({ ...envelope, messageId: envelopeId })),
        },
      })
    })
  }

  /** The envelopes are committed here; the relay may delete them. */
  acknowledge(queueIds: readonly bigint[]): void {
    for (let at = 0; at < queueIds.length; at += limits.acknowledgeIds) {
      this.send({ case: 'acknowledge', value: { queueIds: queueIds.slice(at, at + limits.acknowledgeIds) } })
    }
  }

  requestToken(): Promise<HttpToken> {
    return this.#within((resolve, reject) => {
      this.#tokens.push({ resolve, reject })
      this.send({ case: 'requestToken', value: {} })
    })
  }

  /** A promise that this connection keeps or breaks, but never leaves open. */
  async #within<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    if (this.#lost !== null) throw this.#lost
    const timer = setTimeout(() => this.close(), answerMs)
    try {
      return await new Promise<T>(start)
    } finally {
      clearTimeout(timer)
    }
  }

  close(reason: CodedError = new CodedError('relay.unreachable')): void {
    this.#end(reason)
  }

  send(frame: FrameInit): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    this.#socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
  }

  answered(result: PutResult): void {
    const waiting = this.#puts.get(result.requestId)
    this.#puts.delete(result.requestId)
    waiting?.resolve(outcomeOf(result))
  }

  tokenArrived(token: Token): void {
    this.#tokens.shift()?.resolve(httpToken(token))
  }

  /** Nothing that waits will be answered any more. */
  abandon(error: CodedError): void {
    this.#lost = error
    for (const waiting of [...this.#puts.values(), ...this.#tokens.splice(0)]) waiting.reject(error)
    this.#puts.clear()
  }
}

/**
 * Connects and authenticates. Rejects with the reason when it does not come to a welcome: `relay.unreachable`,
 * `relay.certificate`, `relay.unauthorised`, `relay.version`, `relay.anchors` (another relay answers).
 */
export function openSocket(
  endpoint: { readonly origin: string; readonly agent: Agent },
  login: DeviceLogin,
  events: SocketEvents,
): Promise<Welcomed> {
  const url = new URL(socketPath, endpoint.origin)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const raw = new WebSocket(url, {
    agent: endpoint.agent,
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
    handshakeTimeout: limits.authenticationMs,
  })
  raw.binaryType = 'nodebuffer'
  return new Promise((resolve, reject) => {
    let reason: CodedError | null = null
    let ended = false
    const end = (error: CodedError): void => {
      if (ended) return
      ended = true
      stopKeepAlive()
      clearTimeout(unwelcome)
      raw.terminate()
      socket.abandon(error)
      reject(error)
      events.closed(error)
    }
    const unwelcome = setTimeout(() => end(new CodedError('relay.unreachable')), welcomeMs)
    const socket = new RelaySocket(raw, end)
    const stopKeepAlive = keepAlive(raw, () => end(new CodedError('relay.unreachable')))
    raw.on('error', (error) => end(networkError(error)))
    raw.on('close', () => end(reason ?? new CodedError('relay.unreachable')))
    raw.on('message', (data) => {
      const frame = parsedFrame(data)
      if (frame === null) return end(new CodedError('relay.malformedAnswer'))
      switch (frame.case) {
        case 'challenge':
          if (frame.value.protocolVersion !== protocolVersion) return end(new CodedError('relay.version'))
          if (frame.value.relayId !== login.relayId) return end(new CodedError('relay.anchors'))
          return socket.send(answerTo(frame.value, login))
        case 'welcome': {
          const { token, relayTime } = frame.value
          if (token === undefined) return end(new CodedError('relay.malformedAnswer'))
          clearTimeout(unwelcome)
          return resolve({ socket, token: httpToken(token), relayTime: Number(relayTime) })
        }
        case 'putResult':
          return socket.answered(frame.value)
        case 'deliver':
          return events.deliver(frame.value.envelopes)
        case 'queueEmpty':
          return events.queueEmpty()
        case 'token':
          return socket.tokenArrived(frame.value)
        case 'refusal':
          reason = refusalError(frame.value)
          return
        case undefined:
          // A frame of a later version: nothing that this one waits for.
          return
      }
    })
  })
}

function parsedFrame(data: WebSocket.RawData): ServerFrame['frame'] | null {
  if (!Buffer.isBuffer(data)) return null
  try {
    return fromBinary(ServerFrameSchema, data).frame
  } catch {
    return null
  }
}

function answerTo(challenge: Challenge, login: DeviceLogin): FrameInit {
  const accountId = fromUuid(login.accountId)
  if (accountId === null) throw new CodedError('vault.damaged', { reason: 'account' })
  const { deviceId, relayId } = login
  const signature = login.sign(authenticationInput({ relayId, nonce: challenge.nonce, accountId, deviceId }))
  return { case: 'authenticate', value: { accountId, deviceId, signature, protocolVersion } }
}

function outcomeOf(result: PutResult): PutOutcome {
  switch (result.outcome.case) {
    case 'stored':
      return { kind: 'stored' }
    case 'deviceMismatch': {
      const { missing, extra, stale } = result.outcome.value
      if (![missing, extra, stale].every(isDeviceList)) return malformed
      return { kind: 'devices', missing, extra, stale }
    }
    case 'refusal': {
      const { code, details } = refusalError(result.outcome.value)
      const { retryAfterMs } = details
      return { kind: 'refused', code, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0 }
    }
    case undefined:
      return malformed
  }
}

const malformed: PutOutcome = { kind: 'refused', code: 'relay.malformedAnswer', retryAfterMs: 0 }

function isDeviceList(ids: readonly number[]): boolean {
  return ids.length <= limits.devicesPerAccount && ids.every((id) => id >= 1 && id <= limits.deviceIdMax)
}

function refusalError(refusal: Refusal): CodedError {
  return new CodedError(isErrorCode(refusal.code) ? refusal.code : 'relay.malformedAnswer', {
    retryAfterMs: refusal.retryAfterMs,
  })
}

function httpToken(token: Token): HttpToken {
  return { value: token.value, expiresAt: Number(token.expiresAt) }
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
