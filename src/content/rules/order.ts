import type { Bytes } from '../../base/bytes.ts'
import { lastSentAt } from '../limits.ts'

/**
 * The place of a change among others: by the time that its author gave it, then by its id, so that every device finds
 * the same order whatever came first. A change id names one change: the engine drops what comes twice.
 */
export interface Stamp {
  /** ms since the epoch, by the author's clock. */
  readonly sentAt: number
  /** Message id of the content that brought it. */
  readonly changeId: Bytes
}

/** Below zero where `a` is older. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.sentAt - b.sentAt || Buffer.compare(a.changeId, b.changeId)
}

/** The newer of two; what is kept when they are the same. Commutative, associative and idempotent. */
export function newest<T extends Stamp>(kept: T | null, coming: T): T {
  return kept !== null && compareStamps(kept, coming) >= 0 ? kept : coming
}

/** The time for a change that replaces `kept`: after it, even where this clock is behind the one that wrote it. */
export function timeAfter(now: number, kept: Stamp | null): number {
  return Math.min(Math.max(now, kept === null ? 0 : kept.sentAt + 1), lastSentAt)
}
