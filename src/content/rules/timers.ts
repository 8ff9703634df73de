import type { Stamp } from './order.ts'

/** A conversation's timer; of two changes `newest` wins. Seconds; 0: off. */
export interface TimerSetting extends Stamp {
  readonly seconds: number
}

export interface Countdown {
  readonly timerSeconds: number
  /** Sent by this account: it then counts from sending, otherwise from reading. */
  readonly own: boolean
  readonly sentAt: number
  /** Null: not read on any device of this account. */
  readonly readAt: number | null
  /** By this device's clock. */
  readonly now: number
  /** What was found before, if anything. */
  readonly kept: number | null
}

/**
 * When a message disappears, ms since the epoch; null while that has not begun, or never will.
 *
 * It starts now at the latest: a start in the future is another clock's. The engine stores what it finds and asks again
 * with it at each opening and after each leap of the clock. As neither the stored time nor now plus the whole timer is ever
 * exceeded, no clock that jumps, in either direction, lets a message live longer from then on than when it started.
 */
export function expiresAt({ timerSeconds, own, sentAt, readAt, now, kept }: Countdown): number | null {
  const start = own ? sentAt : readAt
  if (timerSeconds === 0 || start === null) return kept
  return earliest(kept, Math.min(start, now) + timerSeconds * 1000)
}

/** The first of several moments; null stands for never. */
export function earliest(...moments: readonly (number | null)[]): number | null {
  return moments.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null)
}

// SECURITY 15
/** Between several limits the shorter wins: the conversation's timer, the message's, the policy's. Seconds; 0: none. */
export function shortestTimer(...seconds: readonly number[]): number {
  return seconds.reduce((a, b) => (a === 0 || (b !== 0 && b < a) ? b : a), 0)
}
