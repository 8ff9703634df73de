import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { channelBindingBytes } from '../../wire/channel.ts'
import { limits } from '../../wire/limits.ts'
import {
  ClientFrameSchema,
  ServerFrameSchema,
  type Acknowledge,
  type Authenticate,
  type ClientFrame,
  type Put,
} from '../../wire/relay_pb.ts'
import type { PutAnswer } from '../queue/groupCommit.ts'
import type { VaultState } from '../store/deviceStore.ts'
import type { DeviceEnvelopeInput, StoredEnvelope } from '../store/store.ts'

type ServerFrameInit = Exclude<MessageInitShape<typeof ServerFrameSchema>, { $typeName: string }>
export type OutgoingFrame = NonNullable<ServerFrameInit['frame']>

/** How long a sender should wait before it repeats, in milliseconds. */
const fullRetryMs = 60_000
export const unavailableRetryMs = 1_000

export function encodeFrame(frame: OutgoingFrame): Uint8Array {
  return toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame }))
}

/** Null for bytes that are no client frame. A frame of a type that this relay does not know has no `case`. */
export function decodeFrame(bytes: Uint8Array): ClientFrame | null {
  try {
    return fromBinary(ClientFrameSchema, bytes)
  } catch {
    return null
  }
}

export function refusalFrame(code: ErrorCode, retryAfterMs = 0): OutgoingFrame {
  return { case: 'refusal', value: { code, retryAfterMs } }
}

export interface CheckedPut {
  readonly destination: Bytes
  readonly someDevices: boolean
  readonly envelopes: readonly DeviceEnvelopeInput[]
}

/** A put that is fit to join a group, or the code of its refusal: it is judged whole, before anything is done. */
export function checkPut(put: Put): CheckedPut | ErrorCode {
  const { envelopes } = put
  const devices = new Set(envelopes.map((envelope) => envelope.deviceId))
  if (put.destination.length !== 16 || envelopes.length === 0) return 'frame.malformed'
  if (envelopes.length > limits.devicesPerAccount || devices.size !== envelopes.length)
    return 'frame.malformed'
  if (!envelopes.every(isProper)) return 'frame.malformed'
  if (envelopes.some((envelope) => envelope.body.length > limits.envelopeBytes)) return 'frame.tooLarge'
  return { destination: copyBytes(put.destination), someDevices: put.someDevices, envelopes }
}

function isProper(envelope: DeviceEnvelopeInput): boolean {
  return (
    within(envelope.deviceId, limits.deviceIdMax) &&
    within(envelope.registrationId, limits.registrationIdMax) &&
    envelope.messageId.length === 16 &&
    envelope.body.length > 0
  )
}

function within(value: number, max: number): boolean {
  return value >= 1 && value <= max
}

/** Whether what a proof says of its TLS channel can be one's: one that is not the relay's own is refused later. */
export function isChannel(binding: Uint8Array): boolean {
  return binding.length === 0 || binding.length === channelBindingBytes
}

const holderBytes = 16

/** What a proof says of the vault, or null when it is malformed. */
export function checkVault(proof: Authenticate): VaultState | null {
  const { generation, holder, takenUpTo } = proof
  const token = generation.length === 0 || generation.length === limits.generationBytes
  const proper = token && holder.length === holderBytes && takenUpTo <= BigInt(Number.MAX_SAFE_INTEGER)
  if (!proper) return null
  return { token: copyBytes(generation), holder: copyBytes(holder), takenUpTo: Number(takenUpTo) }
}

/** The queue ids of an acknowledgement, or null when it is malformed. */
export function checkAcknowledge(acknowledge: Acknowledge): readonly number[] | null {
  const { queueIds } = acknowledge
  if (queueIds.length === 0 || queueIds.length > limits.acknowledgeIds) return null
  return queueIds.every((id) => id > 0n && id <= BigInt(Number.MAX_SAFE_INTEGER))
    ? queueIds.map(Number)
    : null
}

export function putResultFrame(requestId: number, answer: PutAnswer): OutgoingFrame {
  return { case: 'putResult', value: { requestId, outcome: putOutcome(answer) } }
}

type PutResultInit = Extract<OutgoingFrame, { case: 'putResult' }>['value']

function putOutcome(answer: PutAnswer): NonNullable<PutResultInit['outcome']> {
  switch (answer.kind) {
    case 'stored':
      return { case: 'stored', value: {} }
    case 'mismatch':
      return {
        case: 'deviceMismatch',
        value: { missing: [...answer.missing], extra: [...answer.extra], stale: [...answer.stale] },
      }
    case 'unknownRecipient':
      return refused('recipient.unknown')
    case 'denied':
      return refused('access.denied')
    case 'permitSpent':
      return refused('permit.invalid')
    case 'recipientLimit':
      return refused('permit.recipientLimit', answer.retryAfterMs)
    case 'full':
      return refused('queue.full', fullRetryMs)
    case 'failed':
      return refused('relay.unavailable', unavailableRetryMs)
    default:
      return exhausted(answer)
  }
}

function refused(code: ErrorCode, retryAfterMs = 0): NonNullable<PutResultInit['outcome']> {
  return { case: 'refusal', value: { code, retryAfterMs } }
}

export function putRefusalFrame(requestId: number, code: ErrorCode, retryAfterMs = 0): OutgoingFrame {
  return { case: 'putResult', value: { requestId, outcome: refused(code, retryAfterMs) } }
}

/** The code of a put's refusal, or null. */
export function refusedPut(frame: OutgoingFrame): string | null {
  const outcome = frame.case === 'putResult' ? frame.value.outcome : undefined
  return outcome?.case === 'refusal' ? (outcome.value.code ?? null) : null
}

export function deliverFrame(envelopes: readonly StoredEnvelope[]): OutgoingFrame {
  return {
    case: 'deliver',
    value: {
      envelopes: envelopes.map((envelope) => ({
        queueId: BigInt(envelope.id),
        receivedAt: BigInt(envelope.receivedAt),
        messageId: envelope.messageId,
        body: envelope.body,
      })),
    },
  }
}

/** An envelope that is in no queue: there is nothing to acknowledge. */
export function ephemeralFrame(envelope: DeviceEnvelopeInput, receivedAt: number): OutgoingFrame {
  const { messageId, body } = envelope
  return {
    case: 'deliver',
    value: { envelopes: [{ queueId: 0n, receivedAt: BigInt(receivedAt), messageId, body }] },
  }
}
