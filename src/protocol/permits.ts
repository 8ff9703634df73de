import {
  DonationPermitRequestContext,
  DonationPermitResponse,
  ServerPublicParams,
} from '@signalapp/libsignal-client/zkgroup.js'
import type { Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'

/** One anonymous act: the relay sees that an account drew it, and later that somebody spent it. */
export interface Permit {
  readonly permit: Bytes
  /** ms since the epoch. */
  readonly expiresAt: number
}

export interface PermitRequest {
  /** Stays here until the answer is there, then is forgotten: it links the permits to their request. */
  readonly context: Bytes
  readonly request: Bytes
}

/** Throws `argument.invalid` for a count outside 1..`limits.permitsAtOnce`. */
export function beginPermits(count: number): PermitRequest {
  if (!Number.isInteger(count) || count < 1 || count > limits.permitsAtOnce) {
    throw new CodedError('argument.invalid')
  }
  const context = DonationPermitRequestContext.forCount(count)
  return { context: context.serialize(), request: context.request().serialize() }
}

/** Unblinds what the relay issued. Throws `permit.invalid` unless its pinned parameters made it, for these nonces. */
export function finishPermits(
  context: Bytes,
  response: Bytes,
  zkPublicParams: Bytes,
  now: number,
): readonly Permit[] {
  try {
    return new DonationPermitRequestContext(context)
      .receive(new DonationPermitResponse(response), new ServerPublicParams(zkPublicParams), new Date(now))
      .map((permit) => ({ permit: permit.serialize(), expiresAt: permit.expiration.getTime() }))
  } catch {
    // Whatever is wrong with it, it buys nothing; libsignal tells the reasons by text alone.
    throw new CodedError('permit.invalid')
  }
}
