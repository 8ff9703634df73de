/** Limits of the waits between attempts, in ms. */
export interface BackOff {
  readonly first: number
  readonly last: number
}

export const connectionBackOff: BackOff = { first: 500, last: 60_000 }
export const jobBackOff: BackOff = { first: 1_000, last: 15 * 60_000 }

/** A relay that stops says when to come back; it may ask for so much at most, in ms. */
const advisedMaxMs = 2 * 60_000

/** A wait that follows the relay's advice where that is longer; `advisedMs` is what it said, if it did. */
export function advisedWait(waitMs: number, advisedMs: unknown): number {
  return typeof advisedMs === 'number' ? Math.max(waitMs, Math.min(advisedMs, advisedMaxMs)) : waitMs
}

/**
 * The wait before attempt `attempt` (from 1): doubling, capped, with full jitter over its upper half, so that a
 * building full of workstations does not come back at once. `random` is in [0, 1).
 */
export function waitBefore(attempt: number, backOff: BackOff, random: number): number {
  const ceiling = Math.min(backOff.last, backOff.first * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling * (0.5 + random / 2))
}
