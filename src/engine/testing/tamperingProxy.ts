import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

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

/** For tests: stands between a workstation and a real relay, as a relay that lies would. */
export class TamperingProxy {
  readonly #server: Server
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  tamper: Tamper = (_path, answer) => answer

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

  /** Cuts every connection, as a network does. */
  cut(): void {
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
    const onward = request(
      new URL(incoming.url ?? '/', this.#target),
      { method: incoming.method, headers: { ...incoming.headers, host: this.#target.host } },
      (answer) => {
        void bytesOf(answer).then((bytes) => {
          const said = this.tamper(
            (incoming.url ?? '').split('?')[0] ?? '',
            JSON.parse(bytes.toString()) as unknown,
          )
          const status = said instanceof Tampered ? said.status : (answer.statusCode ?? 500)
          outgoing.writeHead(status, { 'content-type': 'application/json' })
          outgoing.end(JSON.stringify(said instanceof Tampered ? said.body : said))
        })
      },
    )
    onward.on('error', () => outgoing.destroy())
    onward.end(body)
  }

  #tunnel(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const onward = connect(Number(this.#target.port), this.#target.hostname)
    this.#keep(onward)
    const headers = incoming.rawHeaders.reduce(
      (text, value, index) => text + (index % 2 === 0 ? `${value}: ` : `${value}\r\n`),
      '',
    )
    onward.write(`GET ${incoming.url ?? '/'} HTTP/1.1\r\n${headers}\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  }
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
