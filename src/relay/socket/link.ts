import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { sameBytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { Deadline } from './deadline.ts'
import { encodeFrame, refusalFrame, unavailableRetryMs, type OutgoingFrame } from './frames.ts'

/** WebSocket close codes (RFC 6455 section 7.4); 4000 and above are an application's own. */
export const closeCodes = { goingAway: 1001, refused: 1008, replaced: 4001 } as const

/** After a close was sent, the peer has this long to answer it, in milliseconds. */
const closeMs = 2_000

/** The disk has too much to write, the peer takes too little of what it is sent, or the relay stops. */
export type HoldReason = 'disk' | 'peer' | 'stop'

interface Probe {
  readonly payload: Uint8Array
  readonly settle: (alive: boolean) => void
}

const probeBytes = 16

/** One WebSocket as a connection uses it: frames out, corked so that what is written in one turn is one write. */
export class Link {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #sent: () => void
  #corked = false
  #closing = false
  #closeDeadline: Deadline | null = null
  #probe: Probe | null = null
  readonly #held = new Set<HoldReason>()

  /** `sent` is called whenever the operating system has taken bytes. */
  constructor(socket: WebSocket, stream: Duplex, sent: () => void) {
    this.#socket = socket
    this.#stream = stream
    this.#sent = sent
  }

  send(frame: OutgoingFrame): void {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return
    this.#cork()
    this.#socket.send(encodeFrame(frame), this.#sent)
  }

  /** Says why and closes; what comes in afterwards is not looked at. */
  refuse(
    code: ErrorCode,
    closeCode: number = closeCodes.refused,
    retryAfterMs: number = code === 'relay.unavailable' ? unavailableRetryMs : 0,
  ): void {
    this.send(refusalFrame(code, retryAfterMs))
    this.close(closeCode)
  }

  close(closeCode: number): void {
    if (this.#closing) return
    this.#closing = true
    this.#socket.close(closeCode)
    this.#closeDeadline = new Deadline(
      closeMs,
      () => false,
      () => this.#socket.terminate(),
    )
  }

  get closing(): boolean {
    return this.#closing
  }

  get buffered(): number {
    return this.#socket.bufferedAmount
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  /** Whether the peer answers a ping of its own within so many milliseconds; false at once when it is gone. */
  async probe(ms: number): Promise<boolean> {
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return false
    return new Promise((resolve) => {
      const settle = (alive: boolean): void => {
        deadline.end()
        this.#probe = null
        resolve(alive)
      }
      const deadline = new Deadline(
        ms,
        () => this.heldFor('disk'),
        () => settle(false),
      )
      const payload = randomBytes(probeBytes)
      this.#probe = { payload, settle }
      this.#socket.ping(payload)
    })
  }

  /** A pong came; only the probe's own shows that the peer heard it. */
  pong(payload: Uint8Array): void {
    if (this.#probe !== null && sameBytes(this.#probe.payload, payload)) this.#probe.settle(true)
  }

  /** The socket is closed. */
  ended(): void {
    this.#probe?.settle(false)
    this.#closeDeadline?.end()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Whether nothing is read from the peer for this reason. */
  heldFor(reason: HoldReason): boolean {
    return this.#held.has(reason)
  }

  /** Stops reading from the peer until every reason is gone. */
  hold(reason: HoldReason): void {
    this.#held.add(reason)
    this.#socket.pause()
  }

  release(reason: HoldReason): void {
    if (this.#held.delete(reason) && this.#held.size === 0) this.#socket.resume()
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#stream.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#stream.uncork()
    })
  }
}
