import { exhausted } from '../base/exhaustive.ts'
import type { ErrorCode } from '../base/errors.ts'
import { jobBackOff, waitBefore } from './relay/backOff.ts'
import type { PutOutcome } from './relay/puts.ts'

/** What becomes of an outbox job after an attempt. Pure: the outbox carries it out. */
export type NextStep =
  /** It lies durably at the relay. */
  | { readonly kind: 'done' }
  /** The device list was wrong: correct it and repeat. */
  | {
      readonly kind: 'repair'
      /** Devices that need a session and a ciphertext of their own. */
      readonly make: readonly number[]
      /** Devices that are no more. */
      readonly drop: readonly number[]
    }
  /** Later, by itself; the lane waits with it. */
  | { readonly kind: 'postpone'; readonly waitMs: number }
  /** Not by itself any more; the person may try again or delete. */
  | { readonly kind: 'fail'; readonly code: ErrorCode }

/** How often a device list may be corrected in a row before the job waits: the relay may contradict itself. */
export const repairsInARow = 3

export function nextStep(
  outcome: PutOutcome,
  job: { readonly attempts: number; readonly repairs: number },
  random: number,
): NextStep {
  switch (outcome.kind) {
    case 'stored':
      return { kind: 'done' }
    case 'devices': {
      if (job.repairs >= repairsInARow) return postponed(job.attempts, 0, random)
      const make = [...new Set([...outcome.missing, ...outcome.stale])]
      return { kind: 'repair', make, drop: outcome.extra }
    }
    case 'refused':
      return afterRefusal(outcome.code, outcome.retryAfterMs, job.attempts, random)
  }
  return exhausted(outcome)
}

/** Codes that the same put will meet again however long it waits. */
const permanent: ReadonlySet<ErrorCode> = new Set(['recipient.unknown', 'frame.tooLarge', 'frame.malformed'])

export function afterRefusal(
  code: ErrorCode,
  retryAfterMs: number,
  attempts: number,
  random: number,
): NextStep {
  return permanent.has(code) ? { kind: 'fail', code } : postponed(attempts, retryAfterMs, random)
}

function postponed(attempts: number, atLeastMs: number, random: number): NextStep {
  return { kind: 'postpone', waitMs: Math.max(atLeastMs, waitBefore(attempts + 1, jobBackOff, random)) }
}
