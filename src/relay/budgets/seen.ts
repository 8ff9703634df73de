import { createHmac, randomBytes } from 'node:crypto'
import { slotAt, slotsOfWindow } from './window.ts'

/** Past so many the oldest slot is forgotten: its entries count again, which is the stricter side. */
const seenMax = 1_000_000
const hashBytes = 6

/**
 * Which entries were counted in this window, so that the same person is not counted at each typed letter.
 * SECURITY 9: nothing of it is stored, and even in memory it is a truncated hash under a key of this run: who looked at
 * whom cannot be read from it. Of another process, or after a restart, entries count again.
 */
export class SeenEntries {
  readonly #windowMs: number
  readonly #key = randomBytes(32)
  /** Slots in the order of their making. */
  readonly #slots = new Map<number, Set<number>>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Those that this account has not been shown in the window. */
  fresh(accountId: string, entryIds: readonly string[], now: number): string[] {
    this.#forgetOld(now)
    return entryIds.filter((entryId) => {
      const hash = this.#hash(accountId, entryId)
      return ![...this.#slots.values()].some((slot) => slot.has(hash))
    })
  }

  /** They are counted in the slot of now. */
  counted(accountId: string, entryIds: readonly string[], now: number): void {
    const current = slotAt(now, this.#windowMs)
    const slot = this.#slots.get(current) ?? new Set()
    this.#slots.set(current, slot)
    for (const entryId of entryIds) slot.add(this.#hash(accountId, entryId))
  }

  #hash(accountId: string, entryId: string): number {
    const mac = createHmac('sha256', this.#key).update(accountId).update(entryId).digest()
    return mac.readUIntBE(0, hashBytes)
  }

  #forgetOld(now: number): void {
    const oldest = slotAt(now, this.#windowMs) - slotsOfWindow
    const size = [...this.#slots.values()].reduce((sum, slot) => sum + slot.size, 0)
    const [first] = this.#slots.keys()
    for (const number of this.#slots.keys()) {
      if (number < oldest || (size > seenMax && number === first)) this.#slots.delete(number)
    }
  }
}
