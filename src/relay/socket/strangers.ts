/** Connections that have not proved themselves yet, at most so many of them, and of one network address. */
export class Strangers<Connection> {
  readonly #max: number
  readonly #maxOfAddress: number
  readonly #addresses = new Map<Connection, string>()
  readonly #counts = new Map<string, number>()

  constructor(max: number, maxOfAddress: number) {
    this.#max = max
    this.#maxOfAddress = maxOfAddress
  }

  get size(): number {
    return this.#addresses.size
  }

  hasRoom(address: string): boolean {
    return this.#addresses.size < this.#max && (this.#counts.get(address) ?? 0) < this.#maxOfAddress
  }

  add(connection: Connection, address: string): void {
    this.#addresses.set(connection, address)
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1)
  }

  /** It has proved itself or is closed; the address is forgotten with it. */
  remove(connection: Connection): void {
    const address = this.#addresses.get(connection)
    if (address === undefined) return
    this.#addresses.delete(connection)
    const count = (this.#counts.get(address) ?? 1) - 1
    if (count > 0) this.#counts.set(address, count)
    else this.#counts.delete(address)
  }
}
