import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { toHex } from '../../base/bytes.ts'
import { socketPath } from '../../wire/http.ts'
import { ClientFrameSchema, ServerFrameSchema, type Envelope, type ServerFrame } from '../../wire/relay_pb.ts'
import { proof, type EnrolledDevice } from './client.ts'
import { LastingSocket } from './lastingSocket.ts'
import type { LedgerMessage } from './ledgerSender.ts'
import type { RawSocket } from './rawSocket.ts'

type ClientFrameInit = MessageInitShape<typeof ClientFrameSchema>

/** A device that writes down what comes and acknowledges it, on whatever relay it finds. */
export class LedgerReceiver {
  readonly #device: EnrolledDevice
  readonly #book: ReadonlyMap<string, LedgerMessage>
  readonly #lasting: LastingSocket
  readonly #lastOf = new Map<number, number>()
  #connection = 0
  #lastQueueId = 0n
  readonly latencies: number[] = []
  /** Settles once a relay has welcomed it for the first time. */
  readonly welcome: Promise<void>
  #welcomed: () => void = () => undefined
  received = 0
  repeated = 0
  doubled = 0
  disordered = 0

  constructor(
    device: EnrolledDevice,
    addresses: () => readonly string[],
    book: ReadonlyMap<string, LedgerMessage>,
  ) {
    this.#device = device
    this.#book = book
    this.welcome = new Promise((resolve) => (this.#welcomed = resolve))
    this.#lasting = new LastingSocket(addresses, socketPath, (socket) => this.#begin(socket))
  }

  end(): void {
    this.#lasting.end()
  }

  #begin(socket: RawSocket): void {
    this.#connection += 1
    this.#lastQueueId = 0n
    const send = (frame: ClientFrameInit): void =>
      socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, frame)))
    socket.onMessage = (payload) => this.#take(fromBinary(ServerFrameSchema, payload).frame, send)
  }

  #take(frame: ServerFrame['frame'], send: (frame: ClientFrameInit) => void): void {
    if (frame.case === 'challenge') {
      const value = proof(this.#device, frame.value.relayId, frame.value.nonce)
      send({ frame: { case: 'authenticate', value } })
    }
    if (frame.case === 'welcome') this.#welcomed()
    if (frame.case !== 'deliver') return
    for (const envelope of frame.value.envelopes) this.#enter(envelope)
    const queueIds = frame.value.envelopes.map((envelope) => envelope.queueId)
    send({ frame: { case: 'acknowledge', value: { queueIds } } })
  }

  #enter({ queueId, messageId }: Envelope): void {
    if (queueId <= this.#lastQueueId) this.disordered += 1
    this.#lastQueueId = queueId
    const message = this.#book.get(toHex(messageId))
    if (message === undefined) this.doubled += 1
    else if (message.receivedOn !== null) this.#again(message)
    else this.#first(message)
  }

  #again(message: LedgerMessage): void {
    this.repeated += 1
    // A put that was refused is sent again; a commit whose answer was lost may have stored it the first time.
    const isSentAgain = message.resent || message.refused
    if (!isSentAgain && message.receivedOn === this.#connection) this.doubled += 1
  }

  #first(message: LedgerMessage): void {
    message.receivedOn = this.#connection
    this.received += 1
    this.latencies.push(performance.now() - message.sentAt)
    const last = this.#lastOf.get(message.sender) ?? 0
    if (message.sequence > last) this.#lastOf.set(message.sender, message.sequence)
    else if (!message.refused) this.disordered += 1
  }
}
