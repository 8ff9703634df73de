import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { toHex } from '../../base/bytes.ts'
import { anonymousSocketPath } from '../../wire/http.ts'
import { ClientFrameSchema, ServerFrameSchema, type PutResult } from '../../wire/relay_pb.ts'
import { uuidOf, type EnrolledDevice } from './client.ts'
import { LastingSocket } from './lastingSocket.ts'
import type { RawSocket } from './rawSocket.ts'

/** One line of the book. */
export interface LedgerMessage {
  readonly id: Uint8Array
  readonly to: EnrolledDevice
  /** The sender's number and its count for this receiver: what has to arrive in order. */
  readonly sender: number
  readonly sequence: number
  /** By `performance.now()`. */
  readonly sentAt: number
  acknowledged: boolean
  resent: boolean
  /** It was refused once, so that later ones may have gone before it. */
  refused: boolean
  /** The number of the receiver's connection on which it came first. */
  receivedOn: number | null
}

export interface LedgerSenderOptions {
  readonly number: number
  readonly run: Uint8Array
  readonly book: Map<string, LedgerMessage>
  readonly addresses: () => readonly string[]
  readonly receivers: readonly EnrolledDevice[]
  readonly inFlight: number
  readonly bodyBytes: number
  readonly puts?: number
  /** Nothing is put before. */
  readonly ready: Promise<unknown>
}

const refusedWaitMs = 50

/** Puts without end; what was not answered when a connection went is sent again on the next, in the same order. */
export class LedgerSender {
  readonly #options: LedgerSenderOptions
  readonly #lasting: LastingSocket
  /** By request id, in the order of their first sending. */
  readonly #open = new Map<number, LedgerMessage>()
  #count = 0
  #finishing = false
  acknowledged = 0
  refused = 0

  constructor(options: LedgerSenderOptions) {
    this.#options = options
    this.#lasting = new LastingSocket(options.addresses, anonymousSocketPath, (socket) => this.#begin(socket))
  }

  get idle(): boolean {
    return this.#finishing && this.#open.size === 0
  }

  finish(): void {
    this.#finishing = true
  }

  end(): void {
    this.#lasting.end()
  }

  #begin(socket: RawSocket): void {
    socket.onMessage = (payload) => {
      const { frame } = fromBinary(ServerFrameSchema, payload)
      if (frame.case === 'greeting') void this.#options.ready.then(() => this.#start(socket))
      if (frame.case === 'putResult') this.#answered(socket, frame.value)
    }
  }

  #start(socket: RawSocket): void {
    if (this.#lasting.socket !== socket) return
    for (const [request, message] of this.#open) {
      message.resent = true
      this.#send(socket, request, message)
    }
    this.#fill(socket)
  }

  #fill(socket: RawSocket): void {
    const { inFlight, puts = Infinity } = this.#options
    while (!this.#finishing && this.#open.size < inFlight && this.#count < puts) {
      const request = ++this.#count
      const message = this.#next(request)
      this.#options.book.set(toHex(message.id), message)
      this.#open.set(request, message)
      this.#send(socket, request, message)
    }
  }

  #next(request: number): LedgerMessage {
    const { receivers, number, run } = this.#options
    const to = receivers[request % receivers.length]
    if (to === undefined) throw new RangeError('no receivers')
    const id = Buffer.alloc(16)
    id.set(run)
    id.writeUInt32BE(number, 4)
    id.writeUInt32BE(request, 8)
    return {
      id,
      to,
      sender: number,
      sequence: request,
      sentAt: performance.now(),
      acknowledged: false,
      resent: false,
      refused: false,
      receivedOn: null,
    }
  }

  #send(socket: RawSocket, requestId: number, { to, id }: LedgerMessage): void {
    const { accountId, deviceId, registrationId, accessKey } = to
    const body = Buffer.alloc(this.#options.bodyBytes, id)
    const envelopes = [{ deviceId, registrationId, messageId: id, body }]
    const put = { requestId, destination: uuidOf(accountId), envelopes }
    const authorisation = { case: 'accessKey', value: accessKey } as const
    const frame = { case: 'anonymousPut', value: { put, authorisation } } as const
    socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
  }

  #answered(socket: RawSocket, { requestId, outcome }: PutResult): void {
    const message = this.#open.get(requestId)
    if (message === undefined) return
    if (outcome.case === 'stored') {
      this.#open.delete(requestId)
      message.acknowledged = true
      this.acknowledged += 1
      this.#fill(socket)
      return
    }
    message.refused = true
    this.refused += 1
    setTimeout(() => {
      if (this.#lasting.socket === socket) this.#send(socket, requestId, message)
    }, refusedWaitMs)
  }
}
