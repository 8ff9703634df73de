import { copyBytes, fromUuid, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { authenticationInput } from '../../wire/authentication.ts'
import { unbound } from '../../wire/channel.ts'
import { verdictOf, type GenerationVerdict } from '../../wire/generation.ts'
import { socketPath } from '../../wire/http.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import type { Challenge, Envelope, Token, Welcome } from '../../wire/relay_pb.ts'
import { Answers, NumberedAnswers } from './answers.ts'
import { putMessage, putOutcome, type OutgoingPut, type PutOutcome } from './puts.ts'
import { RawSocket, type IncomingFrame, type OutgoingFrame, type SocketEndpoint } from './rawSocket.ts'

/** Of an envelope's id. */
const idBytes = 16

/** How this device proves itself (Ed25519 by its device key), and what it says of its vault. */
export interface DeviceLogin {
  readonly accountId: string
  readonly deviceId: number
  readonly relayId: string
  sign(input: Uint8Array): Bytes
  /** Read at each connection. */
  vault(): VaultStanding
}

/** What a vault says of itself at the relay, so that a copy of it is noticed (ARCHITECTURE section 4). */
export interface VaultStanding {
  /** The last token that was committed; null before the first. */
  readonly generation: Bytes | null
  /** 16 random bytes of this run. */
  readonly holder: Bytes
  /** The highest queue id that was committed. */
  readonly takenUpTo: number
}

export interface SocketEvents {
  deliver(envelopes: readonly Envelope[]): void
  queueEmpty(): void
  devicesChanged(revision: number): void
  /** The connection has ended; called once, also when it never came to a welcome. */
  closed(error: CodedError): void
}

export interface Welcomed {
  readonly socket: RelaySocket
  readonly token: HttpToken
  /** ms since the epoch, by the relay's clock, at the welcome. */
  readonly relayTime: number
  readonly verdict: GenerationVerdict
  readonly nextGeneration: Bytes
  readonly devicesRevision: number
}

export interface HttpToken {
  readonly value: string
  /** By the relay's clock. */
  readonly expiresAt: number
}

/** One authenticated WebSocket connection to the relay. Made by `openSocket`, dead after `closed`. */
export class RelaySocket {
  readonly #raw: RawSocket
  readonly #puts: NumberedAnswers<PutOutcome>
  readonly #tokens: Answers<HttpToken>
  readonly #generations: Answers<Bytes>
  readonly #confirmations: Answers<void>

  constructor(raw: RawSocket) {
    const overdue = (): void => raw.close()
    this.#raw = raw
    this.#puts = new NumberedAnswers(overdue)
    this.#tokens = new Answers(overdue)
    this.#generations = new Answers(overdue)
    this.#confirmations = new Answers(overdue)
  }

  /** True once the connection has ended, whatever is still to be read of it. */
  get isLost(): boolean {
    return this.#raw.lost !== null
  }

  /** To the account's own other devices. Rejects with `relay.unreachable` when the connection ends before the answer: it may or may not be stored. */
  async put(put: OutgoingPut): Promise<PutOutcome> {
    this.#alive()
    return await this.#puts.next((requestId) =>
      this.#send({ case: 'put', value: putMessage(requestId, put) }),
    )
  }

  /** The envelopes are committed here; the relay may delete them. */
  acknowledge(queueIds: readonly bigint[]): void {
    for (let at = 0; at < queueIds.length; at += limits.acknowledgeIds) {
      this.#send({ case: 'acknowledge', value: { queueIds: queueIds.slice(at, at + limits.acknowledgeIds) } })
    }
  }

  async requestToken(): Promise<HttpToken> {
    this.#alive()
    return await this.#tokens.next(() => this.#send({ case: 'requestToken', value: {} }))
  }

  /** The next token of the vault generation: to be committed, then confirmed. */
  async requestGeneration(): Promise<Bytes> {
    this.#alive()
    return await this.#generations.next(() => this.#send({ case: 'requestGeneration', value: {} }))
  }

  /** Settles when the relay has forgotten the token before. */
  async confirmGeneration(token: Bytes, stopping: boolean): Promise<void> {
    this.#alive()
    await this.#confirmations.next(() =>
      this.#send({ case: 'confirmGeneration', value: { token, stopping } }),
    )
  }

  close(reason?: CodedError): void {
    this.#raw.close(reason)
  }

  /** Takes an answer; false for a frame that is none. */
  answered(frame: IncomingFrame): boolean {
    switch (frame.case) {
      case 'putResult':
        this.#puts.arrived(frame.value.requestId, putOutcome(frame.value))
        return true
      case 'token':
        this.#tokens.arrived(httpToken(frame.value))
        return true
      case 'generation':
        if (frame.value.token.length !== limits.generationBytes)
          this.close(new CodedError('relay.malformedAnswer'))
        else this.#generations.arrived(copyBytes(frame.value.token))
        return true
      case 'generationConfirmed':
        this.#confirmations.arrived()
        return true
      default:
        return false
    }
  }

  /** Nothing that waits will be answered any more; why the connection ended says nothing about any of it. */
  abandon(): void {
    for (const answers of [this.#puts, this.#tokens, this.#generations, this.#confirmations]) {
      answers.abandon(new CodedError('relay.unreachable'))
    }
  }

  #alive(): void {
    if (this.isLost) throw new CodedError('relay.unreachable')
  }

  #send(frame: OutgoingFrame): void {
    this.#raw.send(frame)
  }
}

/**
 * Connects and authenticates; `bound`: to the TLS channel. Rejects with the reason when it does not come to a welcome: `relay.unreachable`,
 * `relay.certificate`, `relay.unauthorised`, `relay.version`, `relay.anchors` (another relay answers),
 * `relay.channel` (somebody stands between), `relay.deviceGone`, `device.frozen`.
 */
export function openSocket(
  endpoint: SocketEndpoint & { readonly bound: boolean },
  login: DeviceLogin,
  events: SocketEvents,
): Promise<Welcomed> {
  return new Promise((resolve, reject) => {
    const raw: RawSocket = new RawSocket(endpoint, socketPath, {
      closed(error) {
        socket.abandon()
        reject(error)
        events.closed(error)
      },
      frame(frame) {
        if (socket.answered(frame)) return
        switch (frame.case) {
          case 'challenge':
            return greet(raw, frame.value, login, endpoint.bound)
          case 'welcome': {
            const welcomed = readWelcome(frame.value, socket)
            if (welcomed === null) return raw.close(new CodedError('relay.malformedAnswer'))
            raw.welcomed()
            return resolve(welcomed)
          }
          case 'deliver':
            if (!frame.value.envelopes.every(isProper))
              return raw.close(new CodedError('relay.malformedAnswer'))
            return events.deliver(frame.value.envelopes)
          case 'queueEmpty':
            return events.queueEmpty()
          case 'devicesChanged':
            return events.devicesChanged(Number(frame.value.devicesRevision))
          default:
            // A frame of a later version: nothing that this one waits for.
            return
        }
      },
    })
    const socket = new RelaySocket(raw)
  })
}

function greet(raw: RawSocket, challenge: Challenge, login: DeviceLogin, bound: boolean): void {
  if (challenge.protocolVersion !== protocolVersion) return raw.close(new CodedError('relay.version'))
  if (challenge.relayId !== login.relayId) return raw.close(new CodedError('relay.anchors'))
  const channel = bound ? raw.channel : unbound
  // Never dropped on the relay's word: without a channel to bind to, nothing is signed.
  if (bound && channel.length === 0) return raw.close(new CodedError('relay.channel'))
  raw.send(answerTo(challenge, login, channel))
}

function answerTo(challenge: Challenge, login: DeviceLogin, channel: Bytes): OutgoingFrame {
  const accountId = fromUuid(login.accountId)
  if (accountId === null) throw new CodedError('vault.damaged', { reason: 'account' })
  const { deviceId, relayId } = login
  const { generation, holder, takenUpTo } = login.vault()
  const { nonce } = challenge
  const signature = login.sign(authenticationInput({ relayId, nonce, accountId, deviceId, channel }))
  const standing = { generation: generation ?? new Uint8Array(0), holder, takenUpTo: BigInt(takenUpTo) }
  return {
    case: 'authenticate',
    value: { accountId, deviceId, signature, protocolVersion, channelBinding: channel, ...standing },
  }
}

function readWelcome(welcome: Welcome, socket: RelaySocket): Welcomed | null {
  const { token, relayTime, nextGeneration, devicesRevision } = welcome
  const verdict = verdictOf(welcome.verdict)
  if (token === undefined || verdict === null || nextGeneration.length !== limits.generationBytes) return null
  return {
    socket,
    token: httpToken(token),
    relayTime: Number(relayTime),
    verdict,
    nextGeneration: copyBytes(nextGeneration),
    devicesRevision: Number(devicesRevision),
  }
}

/** The relay takes no others and makes no other numbers; kept, they would outlast its error. */
function isProper({ messageId, body, queueId, receivedAt }: Envelope): boolean {
  const safe = BigInt(Number.MAX_SAFE_INTEGER)
  const whole = messageId.length === idBytes && body.length > 0 && body.length <= limits.envelopeBytes
  return whole && queueId <= safe && receivedAt <= safe
}

function httpToken(token: Token): HttpToken {
  return { value: token.value, expiresAt: Number(token.expiresAt) }
}
