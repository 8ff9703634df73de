import { setTimeout as wait } from 'node:timers/promises'
import { RawSocket } from './rawSocket.ts'

const retryMs = 10

/** Keeps a connection to one of several relays, whichever of them there are, and opens another when it is lost. */
export class LastingSocket {
  readonly #addresses: () => readonly string[]
  readonly #path: string
  readonly #opened: (socket: RawSocket) => void
  #socket: RawSocket | null = null
  #turn = 0
  #ended = false

  /** `opened` is told of each new connection, before anything of it was read. */
  constructor(addresses: () => readonly string[], path: string, opened: (socket: RawSocket) => void) {
    this.#addresses = addresses
    this.#path = path
    this.#opened = opened
    void this.#keep()
  }

  get socket(): RawSocket | null {
    return this.#socket
  }

  end(): void {
    this.#ended = true
    this.#socket?.destroy()
  }

  async #keep(): Promise<void> {
    while (!this.#ended) {
      const socket = await this.#open()
      if (socket === null) await wait(retryMs)
      else await this.#use(socket)
    }
  }

  async #use(socket: RawSocket): Promise<void> {
    this.#socket = socket
    if (this.#ended) socket.destroy()
    else this.#opened(socket)
    await socket.closed
    this.#socket = null
  }

  async #open(): Promise<RawSocket | null> {
    const addresses = this.#addresses()
    const address = addresses[this.#turn++ % Math.max(1, addresses.length)]
    if (address === undefined) return null
    try {
      return await RawSocket.open(address, this.#path)
    } catch {
      // It is being killed or started just now.
      return null
    }
  }
}
