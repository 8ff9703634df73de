import { sameBytes, type Bytes } from '../../base/bytes.ts'
import { reportOf } from '../../base/errors.ts'
import type { RelayLog } from '../log.ts'
import type { GenerationCommit } from '../queue/generationCommit.ts'
import type { Arrival, HeldDevice, Peers } from '../peers/peers.ts'
import type { Connection } from './connection.ts'

export interface HoldersDeps {
  readonly generations: GenerationCommit
  readonly log: RelayLog
  readonly holderProbeMs: number
  readonly peers: Peers
}

/** Who has proved to be which device, one connection each in all processes together. */
export class Holders {
  readonly #deps: HoldersDeps
  readonly #byDevice = new Map<number, Connection>()
  /** The last arrival of a device: the next one waits for it. */
  readonly #turns = new Map<number, Promise<void>>()

  constructor(deps: HoldersDeps) {
    this.#deps = deps
  }

  get(device: number): Connection | undefined {
    return this.#byDevice.get(device)
  }

  forget(connection: Connection): void {
    const { device } = connection
    if (device === null || this.#byDevice.get(device) !== connection) return
    this.#byDevice.delete(device)
    this.#deps.peers.left(device)
  }

  held(): readonly HeldDevice[] {
    return [...this.#byDevice].flatMap(([device, { holder, last }]) =>
      holder === null || last === null ? [] : [{ device, holder, last }],
    )
  }

  /**
   * Lets a connection that has proved itself take the place of an older one, or refuses both. Who finds the place free,
   * or held by the same run of the program, takes it at once; another holder has to be dead.
   */
  async arrive(connection: Connection, device: number, holder: Bytes): Promise<void> {
    const before = this.#turns.get(device) ?? Promise.resolve()
    const turn = before.then(async () => this.#take(connection, device, holder))
    this.#turns.set(device, turn)
    await turn
    if (this.#turns.get(device) === turn) this.#turns.delete(device)
  }

  /** A run of the device has connected to another process. Throws `relay.unavailable`. */
  async elsewhere(device: number, holder: Bytes): Promise<Arrival> {
    const old = this.#byDevice.get(device)
    if (old === undefined) return 'free'
    if (await this.#isOther(old, holder)) {
      await this.#deps.generations.act({ kind: 'freeze', device })
      this.#deps.log.warn('device frozen')
      old.refuse('device.frozen')
      return 'frozen'
    }
    old.replaced()
    return 'free'
  }

  /** Whether another run than this one holds the place, and lives. */
  async #isOther(old: Connection, holder: Bytes): Promise<boolean> {
    if (old.link.closing || old.holder === null || sameBytes(old.holder, holder)) return false
    return old.link.probe(this.#deps.holderProbeMs)
  }

  /** Never throws: the next arrival waits for this one. */
  async #take(connection: Connection, device: number, holder: Bytes): Promise<void> {
    const old = this.#byDevice.get(device)
    if (old !== undefined && (await this.#isOther(old, holder))) {
      await this.#freeze(old, connection, device)
      return
    }
    if (connection.link.closing || !(await this.#isFree(connection, device, holder))) return
    if (connection.link.closing) {
      if (old === undefined || old.link.closing) this.#deps.peers.left(device)
      return
    }
    this.#byDevice.set(device, connection)
    if (old !== undefined) old.replaced()
  }

  /** Whether no other process has the device; the connection is refused otherwise. */
  async #isFree(connection: Connection, device: number, holder: Bytes): Promise<boolean> {
    try {
      if ((await this.#deps.peers.arrive(device, holder)) === 'free') return true
      connection.refuse('device.frozen')
    } catch (thrown) {
      this.#deps.log.error('request failed', { error: reportOf(thrown).code })
      connection.refuse('relay.unavailable')
    }
    return false
  }

  /** One vault, two living programs: a copy. Neither may go on, whichever is the right one. */
  async #freeze(old: Connection, young: Connection, device: number): Promise<void> {
    try {
      await this.#deps.generations.act({ kind: 'freeze', device })
    } catch (thrown) {
      this.#deps.log.error('request failed', { error: reportOf(thrown).code })
      young.refuse('relay.unavailable')
      return
    }
    this.#deps.log.warn('device frozen')
    old.refuse('device.frozen')
    young.refuse('device.frozen')
  }
}
