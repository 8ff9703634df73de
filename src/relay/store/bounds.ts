/** What a test may want smaller than `limits`; the same for every engine. */
export interface StoreBounds {
  /** What may wait for one device, in bytes of bodies. */
  readonly queueBytes?: number
  /** Blind permits that an account may draw in a day (UTC). */
  readonly permitsPerDay?: number
  /** What permits may bring to one account in an hour. */
  readonly permitPutsPerHour?: number
}
