import type { Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { limits } from '../../wire/limits.ts'
import type { PutResult } from '../../wire/relay_pb.ts'
import { refusalError, type OutgoingFrame } from './rawSocket.ts'

export interface OutgoingEnvelope {
  readonly deviceId: number
  readonly registrationId: number
  readonly envelopeId: Bytes
  readonly body: Bytes
}

export interface OutgoingPut {
  /** Account id, 16 bytes. */
  readonly destination: Bytes
  readonly envelopes: readonly OutgoingEnvelope[]
  /** For these devices of the account only. */
  readonly someDevices: boolean
}

/** What the relay answered to a put: a closed list, each with its own consequence in the outbox. */
export type PutOutcome =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'devices'
      readonly missing: readonly number[]
      readonly extra: readonly number[]
      readonly stale: readonly number[]
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly retryAfterMs: number }

type PutInit = Extract<OutgoingFrame, { case: 'put' }>['value']

export function putMessage(requestId: number, put: OutgoingPut): PutInit {
  return {
    requestId,
    destination: put.destination,
    someDevices: put.someDevices,
    envelopes: put.envelopes.map(({ envelopeId, ...envelope }) => ({ ...envelope, messageId: envelopeId })),
  }
}

export function putOutcome(result: PutResult): PutOutcome {
  switch (result.outcome.case) {
    case 'stored':
      return { kind: 'stored' }
    case 'deviceMismatch': {
      const { missing, extra, stale } = result.outcome.value
      if (![missing, extra, stale].every(isDeviceList)) return malformed
      return { kind: 'devices', missing, extra, stale }
    }
    case 'refusal': {
      const { code, details } = refusalError(result.outcome.value)
      const { retryAfterMs } = details
      return { kind: 'refused', code, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0 }
    }
    case undefined:
      return malformed
  }
}

const malformed: PutOutcome = {
  kind: 'refused',
  code: 'relay.malformedAnswer',
  retryAfterMs: 0,
}

function isDeviceList(ids: readonly number[]): boolean {
  return ids.length <= limits.devicesPerAccount && ids.every((id) => id >= 1 && id <= limits.deviceIdMax)
}
