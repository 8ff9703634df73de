/** Milliseconds since the Unix epoch by this machine's clock, which may be wrong: never a reason to refuse a message. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
