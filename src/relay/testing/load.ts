import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { anonymousSocketPath, socketPath } from '../../wire/http.ts'
import { ClientFrameSchema, ServerFrameSchema } from '../../wire/relay_pb.ts'
import { proof, uuidOf, type EnrolledDevice } from './client.ts'
import { maskAt, maskedFrame, RawSocket, type RawSocketOptions } from './rawSocket.ts'

/** One end of a measured way; closing it makes no farewell. */
export interface LoadEnd {
  close(): void
}

export interface LoadSender extends LoadEnd {
  /** Settled durably when `stored` is called. The payload has the size of the first one. */
  send(payload: Uint8Array, stored: () => void): void
}

const binary = 2

/** A device that acknowledges all that it gets, a frame for each frame; settles once it is welcome. */
export async function loadReceiver(
  address: string,
  device: EnrolledDevice,
  onPayload: (payload: Uint8Array) => void,
  options: RawSocketOptions = {},
): Promise<LoadEnd> {
  const socket = await RawSocket.open(address, socketPath, options)
  await new Promise<void>((resolve) => {
    socket.onMessage = (bytes) => {
      const { frame } = fromBinary(ServerFrameSchema, bytes)
      if (frame.case === 'challenge') {
        const value = proof(device, frame.value.relayId, frame.value.nonce)
        socket.send(
          toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: { case: 'authenticate', value } })),
        )
      }
      if (frame.case === 'welcome') resolve()
      if (frame.case !== 'deliver') return
      for (const { body } of frame.value.envelopes) onPayload(body)
      const queueIds = frame.value.envelopes.map(({ queueId }) => queueId)
      socket.send(
        toBinary(
          ClientFrameSchema,
          create(ClientFrameSchema, { frame: { case: 'acknowledge', value: { queueIds } } }),
        ),
      )
    }
  })
  return { close: () => socket.destroy() }
}

/** Bytes that stand for themselves in a template, so that the places of the changing fields are found. */
const places = { request: 0xffff_ffff, id: Uint8Array.from({ length: 16 }, (_, n) => 0xa0 + n) }
/** As many as the request's varint has in the template. */
const requestBytes = 5

/** Puts with the receiver's access key, on a connection of its own. */
export async function loadSender(
  address: string,
  to: EnrolledDevice,
  payloadBytes: number,
): Promise<LoadSender> {
  const socket = await RawSocket.open(address, anonymousSocketPath)
  const template = new PutTemplate(to, payloadBytes)
  const open = new Map<number, () => void>()
  let count = 0
  socket.onMessage = (bytes) => {
    const { frame } = fromBinary(ServerFrameSchema, bytes)
    if (frame.case !== 'putResult') return
    if (frame.value.outcome.case !== 'stored')
      throw new Error(`a put was not stored: ${frame.value.outcome.case}`)
    open.get(frame.value.requestId)?.()
    open.delete(frame.value.requestId)
  }
  return {
    send(payload, stored) {
      count += 1
      open.set(count, stored)
      socket.sendFrame(template.frame(count, payload))
    },
    close: () => socket.destroy(),
  }
}

/** Encodes and masks a put once and changes places of it, so that the client costs little beside the relay. */
class PutTemplate {
  readonly #masked: Buffer
  readonly #start: number
  readonly #request: number
  readonly #id: number
  readonly #body: number
  readonly #run = Uint8Array.from({ length: 12 }, (_, n) => (performance.now() * (n + 7)) & 0xff)

  constructor(to: EnrolledDevice, payloadBytes: number) {
    const { accountId, deviceId, registrationId, accessKey } = to
    const body = Buffer.alloc(payloadBytes, 0x5a)
    const envelopes = [{ deviceId, registrationId, messageId: places.id, body }]
    const put = { requestId: places.request, destination: uuidOf(accountId), envelopes }
    const value = { put, authorisation: { case: 'accessKey', value: accessKey } as const }
    const frame = { case: 'anonymousPut', value } as const
    const plain = Buffer.from(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
    this.#request = plain.indexOf(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))
    this.#id = plain.indexOf(places.id)
    this.#body = plain.indexOf(body)
    this.#masked = maskedFrame(binary, plain)
    this.#start = this.#masked.length - plain.length
  }

  frame(request: number, payload: Uint8Array): Buffer {
    const frame = Buffer.from(this.#masked)
    for (let index = 0; index < requestBytes; index += 1) {
      const more = index < requestBytes - 1 ? 0x80 : 0
      this.#write(frame, this.#request + index, ((request / 2 ** (7 * index)) & 0x7f) | more)
    }
    for (const [index, byte] of this.#run.entries()) this.#write(frame, this.#id + index, byte)
    for (let index = 0; index < 4; index += 1)
      this.#write(frame, this.#id + 12 + index, (request >>> (8 * index)) & 0xff)
    // The rest of the payload is filling, as it is in the template.
    for (let index = 0; index < 24; index += 1) this.#write(frame, this.#body + index, payload[index] ?? 0)
    return frame
  }

  #write(frame: Buffer, at: number, byte: number): void {
    frame[this.#start + at] = maskAt(at, byte)
  }
}
