/** What waits in all queues, whether the store takes writes, what a restore asks for: for who operates the relay. */
export interface QueueStatsStore {
  /** Measures at most `rows` envelopes after a mark, in an order of the engine's own; from the beginning after null. */
  slice(after: QueueMark | null, rows: number): Promise<QueueSlice>
  /** One small durable write; throws `relay.unavailable` when the store does not take it. */
  probe(now: number): Promise<void>
  /**
   * Makes a store that was put back from a backup fit to be served: the world has gone on since it was made. Queue ids
   * and revisions begin above all that were given out; one-time keys may have been handed out and go; each device's next
   * token is taken, whatever it is, as that of a vault that may not be the last one, so that nobody is taken for a copy.
   */
  restored(): Promise<void>
}

/** Above all that were given out since a backup: 8,000 restores fit below 2^53. */
export const restoreJumps = { queueIds: 2 ** 40, revisions: 1_000_000 } as const

export interface QueueTotals {
  readonly envelopes: number
  /** Of their bodies. */
  readonly bytes: number
}

/** A place in the walk. */
export interface QueueMark {
  readonly device: number
  readonly id: number
}

export interface QueueSlice extends QueueTotals {
  /** Null at the end. */
  readonly next: QueueMark | null
}
