/** What waits in all queues, and whether the store takes writes: for who operates the relay. */
export interface QueueStatsStore {
  /** Measures at most `rows` envelopes after a mark, in an order of the engine's own; from the beginning after null. */
  slice(after: QueueMark | null, rows: number): Promise<QueueSlice>
  /** One small durable write; throws `relay.unavailable` when the store does not take it. */
  probe(now: number): Promise<void>
}

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
