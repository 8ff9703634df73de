import { ErrorCode as LibSignalCode, LibSignalErrorBase } from '@signalapp/libsignal-client'
import { CodedError, type ErrorCode } from '../base/errors.ts'

const byCode: Readonly<Partial<Record<LibSignalCode, ErrorCode>>> = {
  [LibSignalCode.DuplicatedMessage]: 'envelope.duplicate',
  [LibSignalCode.SealedSenderSelfSend]: 'envelope.ownMessage',
  [LibSignalCode.UntrustedIdentity]: 'identity.changed',
  [LibSignalCode.InvalidRegistrationId]: 'keys.malformed',
  [LibSignalCode.InvalidProtocolAddress]: 'argument.invalid',
  [LibSignalCode.InvalidSession]: 'session.missing',
}

/**
 * libsignal reports these with the code Generic only, so their text is all there is to tell them by. This is the one
 * place of the product that reads an error's text (rule 11); `errors.test.ts` provokes each of them.
 */
const byGenericText: readonly (readonly [fragment: string, code: ErrorCode])[] = [
  ['trust root validation failed', 'certificate.untrusted'],
  ['invalid signature detected', 'bundle.signature'],
  ['session with', 'session.missing'],
]

/** Any failure of a libsignal call as one of our codes; `otherwise` for what libsignal does not tell apart. */
export function protocolError(thrown: unknown, otherwise: ErrorCode): CodedError {
  if (thrown instanceof CodedError) return thrown
  if (!(thrown instanceof LibSignalErrorBase)) return new CodedError('internal', {}, { cause: thrown })
  const known = byCode[thrown.code]
  if (known !== undefined) return new CodedError(known)
  if (thrown.code !== LibSignalCode.Generic) return new CodedError(otherwise)
  const generic = byGenericText.find(([fragment]) => thrown.message.includes(fragment))
  return new CodedError(generic?.[1] ?? otherwise)
}
