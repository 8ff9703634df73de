import {
  CiphertextMessageType,
  DecryptionErrorMessage,
  PlaintextContent,
  SessionRecord,
} from '@signalapp/libsignal-client'
import type { Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { protocolError } from './errors.ts'

const referenceBytes = 6

/**
 * What a retry request calls the message by: the first 48 bits of its envelope id, for libsignal carries a number there
 * that must be a safe integer. Throws `argument.invalid` for an id that is shorter.
 */
export function retryReference(envelopeId: Uint8Array): number {
  if (envelopeId.length < referenceBytes) throw new CodedError('argument.invalid')
  return Buffer.from(envelopeId.subarray(0, referenceBytes)).readUIntBE(0, referenceBytes)
}

/**
 * Refusals that the sender can cure by sending once more. A last-resort key that met this base key before may be a replay,
 * or a later message of an unanswered session that is gone here: what comes again is known by its message id.
 */
const curable: ReadonlySet<ErrorCode> = new Set([
  'session.missing',
  'envelope.undecryptable',
  'envelope.tooFarAhead',
  'envelope.unknownPreKey',
  'envelope.replayedKyberKey',
  'envelope.duplicate',
])

export interface FailedMessage {
  readonly type: number
  readonly ciphertext: Bytes
  readonly senderDevice: number
  readonly envelopeId: Bytes
}

/** A serialized PlaintextContent, to be sealed for the sender; null where asking again would not help. */
export function retryRequest(code: ErrorCode, failed: FailedMessage): Bytes | null {
  const { type, ciphertext, senderDevice, envelopeId } = failed
  if (!curable.has(code)) return null
  if (type !== CiphertextMessageType.Whisper && type !== CiphertextMessageType.PreKey) return null
  const reference = retryReference(envelopeId)
  try {
    const message = DecryptionErrorMessage.forOriginal(ciphertext, type, reference, senderDevice)
    return PlaintextContent.from(message).serialize()
  } catch {
    // libsignal finds no ratchet key in it to name: nobody would know what is asked for.
    return null
  }
}

export interface RetryRequest {
  readonly reference: number
  readonly deviceId: number
  /** Whether the session that failed there is still the one that is used here: then it has to be renewed. */
  matches(session: Bytes | null): boolean
}

/** Throws `content.malformed`. */
export function readRetryRequest(ciphertext: Bytes): RetryRequest {
  try {
    const body = PlaintextContent.deserialize(ciphertext).body()
    const message = DecryptionErrorMessage.extractFromSerializedBody(body)
    const ratchetKey = message.ratchetKey()
    return {
      reference: message.timestamp(),
      deviceId: message.deviceId(),
      matches: (session) =>
        session !== null &&
        ratchetKey !== undefined &&
        SessionRecord.deserialize(session).currentRatchetKeyMatches(ratchetKey),
    }
  } catch (error) {
    throw protocolError(error, 'content.malformed')
  }
}
