import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawSocketOptions {
  /** Of this machine: budgets are counted by network address, and all of 127.0.0.0/8 is loopback. */
  readonly localAddress?: string
  /** PEM of the only certificate that is taken, for an https address. */
  readonly certificate?: string
}

const opcodes = { binary: 2, close: 8, ping: 9, pong: 10 } as const
/** A client has to mask (RFC 6455 section 5.3); against this server any key does. */
const mask = Uint8Array.of(0x9d, 0x31, 0x5c, 0xe7)
const headBytesMax = 14

/**
 * A WebSocket client on a plain socket, for load: it costs little beside the relay that is looked at. All that is sent
 * in one turn is one write.
 */
export class RawSocket {
  readonly stream: Socket
  /** Settles once the connection is gone, however it went. */
  readonly closed: Promise<void>
  onMessage: (payload: Uint8Array) => void = () => undefined
  #rest: Buffer = Buffer.alloc(0)
  #waiting: Uint8Array[] = []
  #pongs: (() => void)[] = []

  private constructor(stream: Socket) {
    this.stream = stream
    stream.setNoDelay(true)
    stream.on('error', () => undefined)
    this.closed = new Promise((resolve) => stream.on('close', () => resolve()))
  }

  /** Throws when the relay cannot be reached or does not open a WebSocket there. */
  static async open(address: string, path: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    const stream = await opened(address, options)
    const { host } = new URL(address)
    const key = randomBytes(16).toString('base64')
    stream.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    )
    const socket = new RawSocket(stream)
    await socket.#shakeHands()
    return socket
  }

  send(payload: Uint8Array): void {
    this.sendFrame(maskedFrame(opcodes.binary, payload))
  }

  /** Bytes that `maskedFrame` made before, perhaps with a place changed. They must not change until this turn is over. */
  sendFrame(frame: Uint8Array): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.#flush())
    this.#waiting.push(frame)
  }

  /** Settles once the relay has looked at all that was sent before; false when the connection went instead. */
  async heard(): Promise<boolean> {
    const pong = new Promise<boolean>((resolve) => this.#pongs.push(() => resolve(true)))
    this.sendFrame(maskedFrame(opcodes.ping, new Uint8Array(0)))
    return Promise.race([pong, this.closed.then(() => false)])
  }

  /** Ends it without the closing handshake. */
  destroy(): void {
    this.stream.destroy()
  }

  async #shakeHands(): Promise<void> {
    let head: Buffer = Buffer.alloc(0)
    const gone = this.closed.then(() => null)
    while (!head.includes('\r\n\r\n')) {
      const chunk = await Promise.race([nextChunk(this.stream), gone])
      if (chunk === null) throw new Error('the relay closed the connection')
      head = Buffer.concat([head, chunk])
    }
    if (!head.toString('latin1').startsWith('HTTP/1.1 101')) {
      this.destroy()
      throw new Error(`no WebSocket: ${head.toString('latin1').split('\r\n')[0]}`)
    }
    this.stream.pause()
    this.#rest = head.subarray(head.indexOf('\r\n\r\n') + 4)
    this.stream.on('data', (chunk: Buffer) => this.#take(chunk))
    // What follows the handshake in the same packet waits until the caller has set `onMessage`.
    setImmediate(() => {
      this.stream.resume()
      this.#take(Buffer.alloc(0))
    })
  }

  #flush(): void {
    const all = this.#waiting.splice(0)
    this.stream.write(all.length === 1 && all[0] !== undefined ? Buffer.from(all[0]) : Buffer.concat(all))
  }

  #take(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const frame = serverFrame(rest)
      if (frame === null) break
      rest = rest.subarray(frame.end)
      if (frame.opcode === opcodes.binary) this.onMessage(frame.payload)
      else if (frame.opcode === opcodes.ping) this.sendFrame(maskedFrame(opcodes.pong, frame.payload))
      else if (frame.opcode === opcodes.pong) this.#pongs.shift()?.()
      else if (frame.opcode === opcodes.close) this.destroy()
    }
    this.#rest = rest
  }
}

async function nextChunk(stream: Socket): Promise<Buffer> {
  return new Promise((resolve) => stream.once('data', resolve))
}

async function opened(address: string, options: RawSocketOptions): Promise<Socket> {
  const { hostname, port, protocol } = new URL(address)
  const target = {
    host: hostname,
    port: Number(port),
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
  }
  const secure = protocol === 'https:'
  const stream = secure
    ? connectTls({ ...target, ...(options.certificate === undefined ? {} : { ca: options.certificate }) })
    : connect(target)
  await once(stream, secure ? 'secureConnect' : 'connect')
  return stream
}

interface ServerFrame {
  readonly opcode: number
  readonly payload: Uint8Array
  /** Where the next one begins. */
  readonly end: number
}

/** The first whole frame, or null. A server's frames are not masked, and this relay does not fragment them. */
function serverFrame(bytes: Buffer): ServerFrame | null {
  if (bytes.length < 2) return null
  const [first = 0, short = 0] = bytes
  const start = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < start) return null
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  const end = start + length
  return bytes.length < end ? null : { opcode: first & 0x0f, payload: bytes.subarray(start, end), end }
}

/** One whole masked frame. Its payload ends the bytes; `maskAt` masks a place of it that is written later. */
export function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytesMax)
  head[0] = 0x80 | opcode
  const start = writeLength(head, payload.length)
  head.set(mask, start)
  const frame = Buffer.concat([head.subarray(0, start + mask.length), payload])
  for (let index = 0; index < payload.length; index += 1) {
    frame[start + mask.length + index] = maskAt(index, payload[index] ?? 0)
  }
  return frame
}

export function maskAt(index: number, byte: number): number {
  return byte ^ (mask[index & 3] ?? 0)
}

/** Returns where the mask begins. */
function writeLength(head: Buffer, length: number): number {
  if (length < 126) {
    head[1] = 0x80 | length
    return 2
  }
  if (length < 2 ** 16) {
    head[1] = 0x80 | 126
    head.writeUInt16BE(length, 2)
    return 4
  }
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return 10
}
