import { limits } from '../../wire/limits.ts'
import type { QueueStore, StoredEnvelope } from '../store/store.ts'

export interface DeliveryDeps {
  readonly device: number
  readonly queues: Pick<QueueStore, 'page' | 'newest' | 'alone'>
  /** Sends one frame's worth of envelopes. */
  readonly deliver: (envelopes: readonly StoredEnvelope[]) => void
  readonly queueEmpty: () => void
  /** Bytes that the socket has not taken yet. */
  readonly buffered: () => number
  readonly failed: (thrown: unknown) => void
}

/** A reader that does not keep up is left alone until less than this waits at its socket, in bytes. */
export const bufferedBytesMax = 1024 * 1024
/** Room for the fields around the bodies, so that a frame stays within `limits.frameBytes`. */
const envelopeOverheadBytes = 64

/**
 * Delivers one connection's queue, in order and without a gap: page after page until nothing is left, then live.
 * Whatever is committed while it is not live makes it read again, so no envelope falls between the last page and the
 * turn to live, also with an engine that answers later. Nothing is sent twice on one connection.
 */
export class Delivery {
  readonly #deps: DeliveryDeps
  readonly #inFlight = new Set<number>()
  #last = 0
  /** The newest id when the connection began; null until known. */
  #mark: number | null = null
  #live = false
  #again = false
  #pumping = false
  #ended = false
  #announced = false

  constructor(deps: DeliveryDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    try {
      this.#mark = await this.#deps.queues.newest(this.#deps.device)
    } catch (thrown) {
      this.#fail(thrown)
      return
    }
    await this.#pump()
  }

  end(): void {
    this.#ended = true
  }

  /** The newest id that was handed over. */
  get last(): number {
    return this.#last
  }

  /** Envelopes of this device that were just committed, in order. */
  stored(envelopes: readonly StoredEnvelope[]): void {
    if (this.#live && envelopes.length <= this.#room() && this.#isNext(envelopes)) this.#send(envelopes)
    else this.look()
  }

  /** Something new may wait. */
  look(): void {
    this.#live = false
    this.#again = true
    void this.#pump()
  }

  acknowledged(ids: readonly number[]): void {
    for (const id of ids) this.#inFlight.delete(id)
    this.wake()
  }

  /** The socket has taken bytes. */
  wake(): void {
    if (!this.#live) void this.#pump()
  }

  /** Where other processes commit too, one of theirs may lie before: ids of a device are given out without gaps there. */
  #isNext(envelopes: readonly StoredEnvelope[]): boolean {
    return this.#deps.queues.alone || envelopes.every(({ id }, n) => id === this.#last + 1 + n)
  }

  #room(): number {
    return this.#deps.buffered() > bufferedBytesMax ? 0 : limits.deliverInFlight - this.#inFlight.size
  }

  async #pump(): Promise<void> {
    if (this.#pumping || this.#mark === null) return
    this.#pumping = true
    try {
      while (!this.#live && !this.#ended && this.#room() > 0) await this.#turnPage()
    } catch (thrown) {
      this.#fail(thrown)
    } finally {
      this.#pumping = false
    }
  }

  async #turnPage(): Promise<void> {
    this.#again = false
    const rows = Math.min(limits.deliverPage, this.#room())
    const page = await this.#deps.queues.page(this.#deps.device, this.#last, rows, limits.frameBytes)
    if (this.#ended) return
    this.#send(page)
    if (page.length === 0 && !this.#again) this.#live = true
    this.#announce(page.length === 0)
  }

  #send(envelopes: readonly StoredEnvelope[]): void {
    for (const frame of framesOf(envelopes)) this.#deps.deliver(frame)
    for (const { id } of envelopes) this.#inFlight.add(id)
    this.#last = envelopes.at(-1)?.id ?? this.#last
  }

  #announce(empty: boolean): void {
    if (this.#announced || (!empty && this.#last < (this.#mark ?? 0))) return
    this.#announced = true
    this.#deps.queueEmpty()
  }

  #fail(thrown: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#deps.failed(thrown)
  }
}

/** Cuts a run of envelopes so that each frame stays within `limits.deliverPage` and `limits.frameBytes`. */
export function framesOf(envelopes: readonly StoredEnvelope[]): StoredEnvelope[][] {
  const frames: StoredEnvelope[][] = []
  let frame: StoredEnvelope[] = []
  let bytes = 0
  for (const envelope of envelopes) {
    const size = envelope.body.length + envelopeOverheadBytes
    if (frame.length > 0 && (frame.length >= limits.deliverPage || bytes + size > limits.frameBytes - 16)) {
      frames.push(frame)
      frame = []
      bytes = 0
    }
    frame.push(envelope)
    bytes += size
  }
  if (frame.length > 0) frames.push(frame)
  return frames
}
