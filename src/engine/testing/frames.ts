import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import WebSocket, { WebSocketServer } from 'ws'
import {
  ClientFrameSchema,
  ServerFrameSchema,
  type ClientFrame,
  type ServerFrame,
} from '../../wire/relay_pb.ts'

export type ClientSays = NonNullable<MessageInitShape<typeof ClientFrameSchema>['frame']>
export type ServerSays = NonNullable<MessageInitShape<typeof ServerFrameSchema>['frame']>

/** What becomes of a frame on its way; left out or empty: it is lost. */
export interface FrameTampers {
  toRelay: (frame: ClientFrame['frame'], line: Line) => readonly ClientSays[]
  toWorkstation: (frame: ServerFrame['frame'], line: Line) => readonly ServerSays[]
}

/** For tests: one WebSocket connection of a workstation, held by both ends. */
export class Line {
  readonly path: string
  readonly #workstation: WebSocket
  readonly #relay: WebSocket
  readonly #early: Buffer[] = []

  constructor(path: string, workstation: WebSocket, relay: WebSocket, tampers: () => FrameTampers) {
    this.path = path
    this.#workstation = workstation
    this.#relay = relay
    workstation.on('message', (data) => {
      const { frame } = fromBinary(ClientFrameSchema, bytesOf(data))
      for (const said of tampers().toRelay(frame, this)) this.tellRelay(said)
    })
    relay.on('message', (data) => {
      const { frame } = fromBinary(ServerFrameSchema, bytesOf(data))
      for (const said of tampers().toWorkstation(frame, this)) this.tellWorkstation(said)
    })
    relay.on('open', () => {
      for (const bytes of this.#early.splice(0)) relay.send(bytes)
    })
    for (const [end, other] of [
      [workstation, relay],
      [relay, workstation],
    ] as const) {
      end.on('error', () => undefined)
      end.on('close', () => other.close())
    }
  }

  tellRelay(frame: ClientSays): void {
    const bytes = Buffer.from(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
    if (this.#relay.readyState === WebSocket.CONNECTING) this.#early.push(bytes)
    else this.#relay.send(bytes)
  }

  tellWorkstation(frame: ServerSays): void {
    this.tellRaw(toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame })))
  }

  tellRaw(bytes: Uint8Array): void {
    this.#workstation.send(bytes)
  }

  cut(): void {
    this.#workstation.terminate()
    this.#relay.terminate()
  }
}

const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false })

/** Takes the workstation's side of a connection and makes the relay's; `opened` gets it before a frame has passed. */
export function openLine(
  incoming: IncomingMessage,
  socket: Socket,
  head: Buffer,
  parts: {
    readonly target: URL
    readonly tampers: () => FrameTampers
    readonly opened: (line: Line, closed: Promise<void>) => void
  },
): void {
  upgrades.handleUpgrade(incoming, socket, head, (workstation) => {
    const path = incoming.url ?? '/'
    const onward = new URL(path, parts.target)
    onward.protocol = 'ws:'
    const relay = new WebSocket(onward, { perMessageDeflate: false })
    const closed = new Promise<void>((done) => void workstation.once('close', done))
    parts.opened(new Line(path, workstation, relay, parts.tampers), closed)
  })
}

function bytesOf(data: WebSocket.RawData): Uint8Array {
  return Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)])
}
