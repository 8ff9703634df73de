import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A plain connection: all that is written in one turn is one write, and what comes is given to a parser. */
export class BatchedSocket {
  readonly #socket: Socket
  readonly #parse: (bytes: Buffer) => number
  #rest: Buffer = Buffer.alloc(0)
  #waiting: Uint8Array[] = []

  private constructor(socket: Socket, parse: (bytes: Buffer) => number) {
    this.#socket = socket
    this.#parse = parse
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** `parse` is given all that has come, and returns how much of it it has used. */
  static async open(port: number, parse: (bytes: Buffer) => number): Promise<BatchedSocket> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new BatchedSocket(socket, parse)
  }

  write(...parts: readonly Uint8Array[]): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.#flush())
    this.#waiting.push(...parts)
  }

  close(): void {
    this.#socket.destroy()
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#waiting.splice(0)))
  }

  #take(chunk: Buffer): void {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = all.subarray(this.#parse(all))
  }
}
