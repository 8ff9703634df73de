import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { anonymousSocketPath } from '../../wire/http.ts'
import { protocolVersion } from '../../wire/limits.ts'
import { NumberedAnswers } from './answers.ts'
import { putMessage, putOutcome, type OutgoingPut, type PutOutcome } from './puts.ts'
import { RawSocket, type SocketEndpoint } from './rawSocket.ts'

/** With what a nameless put is paid: what the recipient's contacts know, or a permit that is then spent. */
export type Authorisation =
  | { readonly kind: 'accessKey'; readonly accessKey: Bytes }
  | { readonly kind: 'permit'; readonly permit: Bytes }

export interface AnonymousPut extends OutgoingPut {
  readonly authorisation: Authorisation
  /** For who is connected now; nothing is stored. */
  readonly ephemeral: boolean
}

/** One connection on which nobody says who they are. */
export class AnonymousSocket {
  readonly #raw: RawSocket
  readonly #puts: NumberedAnswers<PutOutcome>

  constructor(raw: RawSocket) {
    this.#raw = raw
    this.#puts = new NumberedAnswers(() => raw.close())
  }

  get isLost(): boolean {
    return this.#raw.lost !== null
  }

  /** Rejects with `relay.unreachable` when the connection ends before the answer: it may or may not be stored. */
  async put(put: AnonymousPut): Promise<PutOutcome> {
    if (this.isLost) throw new CodedError('relay.unreachable')
    const { authorisation: paid, ephemeral } = put
    return await this.#puts.next((requestId) =>
      this.#raw.send({
        case: 'anonymousPut',
        value: {
          put: putMessage(requestId, put),
          ephemeral,
          authorisation:
            paid.kind === 'permit'
              ? { case: 'permit', value: paid.permit }
              : { case: 'accessKey', value: paid.accessKey },
        },
      }),
    )
  }

  arrived(requestId: number, outcome: PutOutcome): void {
    this.#puts.arrived(requestId, outcome)
  }

  /** Nothing that waits will be answered any more; why the connection ended says nothing about any of it. */
  abandon(): void {
    this.#puts.abandon(new CodedError('relay.unreachable'))
  }

  close(): void {
    this.#raw.close()
  }
}

/** Connects without a name. Rejects with `relay.unreachable`, `relay.certificate`, `relay.version`, `relay.anchors`. */
export function openAnonymousSocket(endpoint: SocketEndpoint, relayId: string): Promise<AnonymousSocket> {
  return new Promise((resolve, reject) => {
    const raw: RawSocket = new RawSocket(endpoint, anonymousSocketPath, {
      closed(error) {
        socket.abandon()
        reject(error)
      },
      frame(frame) {
        switch (frame.case) {
          case 'greeting':
            if (frame.value.protocolVersion !== protocolVersion)
              return raw.close(new CodedError('relay.version'))
            if (frame.value.relayId !== relayId) return raw.close(new CodedError('relay.anchors'))
            raw.welcomed()
            return resolve(socket)
          case 'putResult':
            return socket.arrived(frame.value.requestId, putOutcome(frame.value))
          default:
            return
        }
      },
    })
    const socket = new AnonymousSocket(raw)
  })
}
