import { Fingerprint, PublicKey, ScannableFingerprint } from '@signalapp/libsignal-client'
import { fromUuid, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { protocolError } from './errors.ts'

export interface IdentifiedKey {
  readonly accountId: string
  readonly identityKey: Bytes
}

export interface SafetyNumber {
  /** 60 digits in twelve groups of five, the same on both sides. */
  readonly digits: string
  /** What a picture code carries; `compareScanned` takes the other side's. */
  readonly scannable: Bytes
}

/** What libsignal's own clients use: the cost of a collision grows with the iterations (1.6 ms here). */
const iterations = 5_200
const version = 2

/** Throws `argument.invalid` for an account id that is no UUID and `identity.unknown` for bytes that are no key. */
export function safetyNumber(local: IdentifiedKey, remote: IdentifiedKey): SafetyNumber {
  try {
    const fingerprint = Fingerprint.new(
      iterations,
      version,
      identifier(local),
      PublicKey.deserialize(local.identityKey),
      identifier(remote),
      PublicKey.deserialize(remote.identityKey),
    )
    return {
      digits: fingerprint
        .displayableFingerprint()
        .toString()
        .replace(/(.{5})(?=.)/g, '$1 '),
      scannable: fingerprint.scannableFingerprint().toBuffer(),
    }
  } catch (error) {
    throw protocolError(error, 'identity.unknown')
  }
}

/**
 * Whether what was scanned is the other side's half of `own`. Both halves bind account and key, so a false cannot tell a
 * changed key from the code of another conversation: nobody is verified by it. Throws `identity.mismatch` for bytes that
 * are no such code.
 */
export function compareScanned(own: Bytes, scanned: Bytes): boolean {
  try {
    return ScannableFingerprint._fromBuffer(own).compare(ScannableFingerprint._fromBuffer(scanned))
  } catch (error) {
    throw protocolError(error, 'identity.mismatch')
  }
}

/** The UUID as bytes: stable, and the same whatever the relay calls the account. */
function identifier({ accountId }: IdentifiedKey): Bytes {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new CodedError('argument.invalid')
  return bytes
}
