import type { Stamp } from './order.ts'

/** A conversation's timer; of two changes `newest` wins. Seconds; 0: off. */
export interface TimerSetting extends Stamp {
  readonly seconds: number
}

/**
 * When a message whose timer runs disappears, ms since the epoch; asked again at each opening and after each leap of the
 * clock back. As neither the time kept nor now plus the whole timer is ever exceeded, no clock that jumps, in either
 * direction, lets a message live longer from then on than when it started.
 */
export function boundedExpiry(kept: number, timerSeconds: number, now: number): number {
  return Math.min(kept, now + timerSeconds * 1000)
}

// SECURITY 15
/** Between several limits the shorter wins: the conversation's timer, the message's, the policy's. Seconds; 0: none. */
export function shortestTimer(...seconds: readonly number[]): number {
  return seconds.reduce((a, b) => (a === 0 || (b !== 0 && b < a) ? b : a), 0)
}
