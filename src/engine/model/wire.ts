import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { randomInt } from 'node:crypto'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { ClientFrameSchema, ServerFrameSchema } from '../../wire/relay_pb.ts'

/** What may happen to the next answers of the relay on a wire. */
export const faults = ['drop', 'double', 'reorder', 'delay'] as const
export type Fault = (typeof faults)[number]

const longestDelayMs = 20
/** Number of `ServerFrame.deliver`: the first byte of a frame is its number and the wire type 2. */
const deliverTag = (4 << 3) | 2

/** One device's way to the relay: a proxy that knows frames, and does to them what it is told. */
export class Wire {
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  readonly #relay: URL
  readonly #open = new Set<Socket>()
  readonly #ends = new Set<WebSocket>()
  readonly #armed: Record<Fault, number> = { drop: 0, double: 0, reorder: 0, delay: 0 }
  #admitting = true
  /** What a defective device would do: envelopes count as committed as soon as they were delivered. */
  acknowledgesEarly = false
  /** Envelopes that came through. */
  delivered = 0

  private constructor(relay: string) {
    this.#relay = new URL(relay)
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing))
    this.#server.on('connection', (socket) => this.#keep(socket))
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#bridge(incoming, socket, head),
    )
  }

  static async open(relay: string): Promise<Wire> {
    const wire = new Wire(relay)
    await new Promise<void>((done) => wire.#server.listen(0, '127.0.0.1', done))
    return wire
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** The fault befalls the next `times` answers. */
  arm(fault: Fault, times: number): void {
    this.#armed[fault] += times
  }

  calm(): void {
    for (const fault of faults) this.#armed[fault] = 0
  }

  /** Ends every connection, as a network does; new ones are taken. */
  cut(): void {
    for (const end of this.#ends) end.terminate()
    for (const socket of this.#open) socket.destroy()
  }

  /** Ends every connection and takes none until `admit`. */
  refuse(): void {
    this.#admitting = false
    this.cut()
  }

  admit(): void {
    this.#admitting = true
  }

  get admits(): boolean {
    return this.#admitting
  }

  end(): void {
    this.refuse()
    this.#server.close()
  }

  #keep(socket: Socket): void {
    socket.on('error', () => undefined)
    if (!this.#admitting) return void socket.destroy()
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
  }

  #strikes(fault: Fault): boolean {
    if (this.#armed[fault] === 0) return false
    this.#armed[fault] -= 1
    return true
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => undefined)
    const body = await bytesOf(incoming)
    if (body === null) return void outgoing.destroy()
    const headers = { ...incoming.headers, host: this.#relay.host, connection: 'close' }
    const onward = request(
      new URL(incoming.url ?? '/', this.#relay),
      { method: incoming.method, headers },
      (answer) => void this.#answer(answer, outgoing),
    )
    onward.on('error', () => outgoing.destroy())
    onward.end(body)
  }

  async #answer(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const bytes = await bytesOf(answer)
    if (bytes === null || this.#strikes('drop')) return void outgoing.destroy()
    if (this.#strikes('delay')) await delay()
    outgoing.writeHead(answer.statusCode ?? 500, { 'content-type': 'application/json' })
    outgoing.end(bytes)
  }

  #bridge(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(incoming, socket, head, (device) => {
      const url = new URL(incoming.url ?? '/', this.#relay)
      url.protocol = 'ws:'
      const relay = new WebSocket(url, { perMessageDeflate: false })
      this.#join(device, relay)
    })
  }

  #join(device: WebSocket, relay: WebSocket): void {
    const early: WebSocket.RawData[] = []
    device.on('message', (data) => {
      if (relay.readyState === WebSocket.OPEN) relay.send(data)
      else early.push(data)
    })
    relay.on('open', () => {
      for (const data of early.splice(0)) relay.send(data)
    })
    const toDevice = new FrameLine((frame) => device.readyState === WebSocket.OPEN && device.send(frame))
    relay.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.#pass(data, toDevice, relay)
    })
    for (const [one, other] of [
      [device, relay],
      [relay, device],
    ] as const) {
      this.#ends.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#ends.delete(one)
        other.terminate()
      })
    }
    if (!this.#admitting) this.cut()
  }

  #pass(frame: Buffer, line: FrameLine, relay: WebSocket): void {
    const delivers = frame[0] === deliverTag
    if (delivers) this.#noteDelivery(frame, relay)
    if (this.#strikes('drop')) {
      // A page of the queue is lost with its connection only, or the next one would come before it.
      if (delivers) relay.terminate()
      return
    }
    if (this.#strikes('delay')) line.hold()
    // The order of a queue is the relay's only word about order: who changes it is another test's liar.
    if (!delivers && this.#strikes('reorder')) return line.sendAfterNext(frame)
    line.send(frame)
    if (this.#strikes('double')) line.send(frame)
  }

  #noteDelivery(bytes: Buffer, relay: WebSocket): void {
    const { frame } = fromBinary(ServerFrameSchema, bytes)
    if (frame.case !== 'deliver') return
    this.delivered += frame.value.envelopes.length
    if (!this.acknowledgesEarly) return
    const queueIds = frame.value.envelopes.map(({ queueId }) => queueId).filter((id) => id > 0n)
    const acknowledge = create(ClientFrameSchema, { frame: { case: 'acknowledge', value: { queueIds } } })
    relay.send(toBinary(ClientFrameSchema, acknowledge))
  }
}

/** The frames on their way to a device, in order, also while they are held. */
class FrameLine {
  readonly #send: (frame: Buffer) => void
  readonly #waiting: Buffer[] = []
  #late: Buffer | null = null
  #held = 0

  constructor(send: (frame: Buffer) => void) {
    this.#send = send
  }

  send(frame: Buffer): void {
    this.#waiting.push(frame)
    if (this.#late !== null) this.#waiting.push(this.#late)
    this.#late = null
    this.#flush()
  }

  sendAfterNext(frame: Buffer): void {
    if (this.#late !== null) this.#waiting.push(this.#late)
    this.#late = frame
    // Where nothing follows, it was only late.
    void delay().then(() => {
      if (this.#late !== frame) return
      this.#late = null
      this.send(frame)
    })
  }

  hold(): void {
    this.#held += 1
    void delay().then(() => {
      this.#held -= 1
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#held > 0) return
    for (const frame of this.#waiting.splice(0)) this.#send(frame)
  }
}

function delay(): Promise<void> {
  return new Promise((done) => setTimeout(done, 1 + randomInt(longestDelayMs)))
}

/** Null when the other end went away. */
async function bytesOf(stream: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch {
    return null
  }
}
