import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { openLine, type FrameTampers, type Line } from './frames.ts'

/** An answer with a status of its own. */
export class Tampered {
  readonly status: number
  readonly body: unknown

  constructor(status: number, body: unknown) {
    this.status = status
    this.body = body
  }
}

/** Changes the JSON that the relay answers on a path; what it returns is sent instead. */
export type Tamper = (path: string, answer: unknown) => unknown

const honestFrames: FrameTampers = {
  toRelay: (frame) => (frame.case === undefined ? [] : [frame]),
  toWorkstation: (frame) => (frame.case === undefined ? [] : [frame]),
}

/** For tests: stands between workstations and a real relay, as a relay that lies would. */
export class TamperingProxy {
  readonly #server: Server
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #lines = new Set<Line>()
  /** Method and path of every HTTP request, in order. */
  readonly requests: string[] = []
  tamper: Tamper = (_path, answer) => answer
  /** Answers in place of the relay, which does not hear of it; null: asks the relay. */
  instead: (path: string) => Tampered | null = () => null
  frames: FrameTampers = honestFrames

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing))
    this.#server.on('connection', (socket) => this.#keep(socket))
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(incoming, socket, head),
    )
  }

  static async start(target: string): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(target)
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done))
    return proxy
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Passes everything on as it is, again. */
  beHonest(): void {
    this.tamper = (_path, answer) => answer
    this.instead = () => null
    this.frames = honestFrames
  }

  /** The WebSocket connections that are open on a path, oldest first. */
  lines(path: string): Line[] {
    return [...this.#lines].filter((line) => line.path === path)
  }

  /** Cuts every connection, as a network does. */
  cut(): void {
    for (const line of this.#lines) line.cut()
    this.#lines.clear()
    for (const socket of this.#sockets) socket.destroy()
  }

  end(): void {
    this.#server.close()
    this.cut()
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bytesOf(incoming)
    const path = (incoming.url ?? '').split('?')[0] ?? ''
    this.requests.push(`${incoming.method ?? ''} ${path}`)
    const instead = this.instead(path)
    if (instead !== null) return answerWith(outgoing, instead)
    const onward = request(
      new URL(incoming.url ?? '/', this.#target),
      { method: incoming.method, headers: { ...incoming.headers, host: this.#target.host } },
      (answer) => {
        void bytesOf(answer).then((bytes) => {
          const said = this.tamper(path, JSON.parse(bytes.toString()) as unknown)
          const status = answer.statusCode ?? 500
          answerWith(outgoing, said instanceof Tampered ? said : new Tampered(status, said))
        })
      },
    )
    onward.on('error', () => outgoing.destroy())
    onward.end(body)
  }

  #tunnel(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    openLine(incoming, socket, head, {
      target: this.#target,
      tampers: () => this.frames,
      opened: (line, closed) => {
        this.#lines.add(line)
        void closed.then(() => this.#lines.delete(line))
      },
    })
  }
}

function answerWith(outgoing: ServerResponse, { status, body }: Tampered): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify(body))
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
