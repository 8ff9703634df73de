import type { Logger } from 'pino'

/**
 * What the relay writes about its work. SECURITY 9: counts and codes only, no address, token, name, account or
 * message metadata; the type leaves no room for anything else to be added in passing.
 */
export interface RelayLog {
  info(event: RelayEvent, counts?: LogCounts): void
  warn(event: RelayEvent, counts?: LogCounts): void
  error(event: RelayEvent, counts?: LogCounts): void
  debug(event: RelayEvent, counts?: LogCounts): void
}

export type RelayEvent =
  | 'relay started'
  | 'peers not reached'
  | 'relay stopping'
  | 'relay stopped'
  | 'relay stopped late'
  | 'group committed'
  | 'group not committed'
  | 'connection opened'
  | 'connection closed'
  | 'connection refused'
  | 'delivery failed'
  | 'request refused'
  | 'request failed'
  | 'device enrolled'
  | 'device linked'
  | 'device frozen'
  | 'server certificate read'
  | 'changes not read'
  | 'housekeeping failed'
  | 'tls certificate read'
  | 'tls certificate'
  | 'envelopes delivered'
  | 'put refused'
  | 'budget passed softly'
  | 'budget spent'
  | 'budgets not stored'
  | 'alert not stored'
  | 'alerts not mailed'
  | 'blobs not swept'
  | 'blob missing'

/** All that may stand beside an event. */
export interface LogCounts {
  /** A code of `src/base/errors.ts`; not called `code`, which stands for an invitation's and is redacted. */
  readonly error?: string
  /** The storage engine's own code. */
  readonly engine?: string
  readonly status?: number
  readonly puts?: number
  readonly deletes?: number
  readonly connections?: number
  /** Envelopes, repetitions left out. */
  readonly stored?: number
  readonly delivered?: number
  /** How long it took, in milliseconds. */
  readonly ms?: number
}

/** Belt and braces: should one of these ever be handed to the logger, it is not written. */
export const redacted = [
  'address',
  'token',
  'authorization',
  'name',
  'displayName',
  'accountId',
  'deviceId',
  'code',
]

export function relayLog(logger: Logger): RelayLog {
  return {
    info: (event, counts) => logger.info(counts ?? {}, event),
    warn: (event, counts) => logger.warn(counts ?? {}, event),
    error: (event, counts) => logger.error(counts ?? {}, event),
    debug: (event, counts) => logger.debug(counts ?? {}, event),
  }
}

export const silentLog: RelayLog = { info: ignore, warn: ignore, error: ignore, debug: ignore }

function ignore(): void {
  // Nothing is written.
}
