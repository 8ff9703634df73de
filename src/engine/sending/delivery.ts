import { exhausted } from '../../base/exhaustive.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { jobBackOff, waitBefore } from '../relay/backOff.ts'
import type { PutOutcome } from '../relay/puts.ts'

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

/**
 * Of the job that hands the account's new keys over: it goes over the session that there is, or not at all, for whoever
 * stole the old key could offer another one; and what failed has not been handed over.
 */
export function handoverStep(step: NextStep, attempts: number, random: number): NextStep {
  const isRefused = step.kind === 'fail' || (step.kind === 'repair' && step.make.length > 0)
  return isRefused ? postponed(attempts, 0, random) : step
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
