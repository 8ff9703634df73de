import type { Link } from './link.ts'

/** What the hub does with a connection, whichever of the two sockets it came by. */
export interface Peer {
  readonly link: Link
  /** One WebSocket message. Only binary ones are frames. */
  receive(bytes: Uint8Array, binary: boolean): void
  /** The socket has taken bytes. */
  sent(): void
  /** The peer gave a sign. */
  heard(): void
  /** Called every `keepAliveMs`. */
  keepAlive(): void
  /** The socket is closed, or about to be. */
  ended(): void
}

/** Drops a peer that gave no sign, and took none of what it was sent, between two looks. */
export class LifeSigns {
  readonly #link: Link
  #heard = true
  #bufferedBefore = 0

  constructor(link: Link) {
    this.#link = link
  }

  heard(): void {
    this.#heard = true
  }

  check(): void {
    const taking = this.#link.buffered < this.#bufferedBefore
    this.#bufferedBefore = this.#link.buffered
    if (!this.#heard && !taking) this.#link.terminate()
    this.#heard = false
    this.#link.ping()
  }
}
