import { PrivateKey, PublicKey } from '@signalapp/libsignal-client'
import type { Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'

/** Agreement with a key of low order gives the same zeros for every private key; libsignal then refuses to answer. */
const probe = PrivateKey.generate()

/** The type and the point. libsignal ignores what follows them, and then one key would have many spellings. */
const serializedBytes = 33

/**
 * A public key that was received. Refused with `otherwise`: bytes that are no key, or more than one, and the points of
 * low order, with which a secret would not be secret (RFC 7748 section 6.1). libsignal takes those, and its HPKE fails
 * on them.
 */
export function receivedKey(bytes: Bytes, otherwise: ErrorCode): PublicKey {
  if (bytes.length !== serializedBytes) throw new CodedError(otherwise)
  try {
    const key = PublicKey.deserialize(bytes)
    probe.agree(key)
    return key
  } catch {
    throw new CodedError(otherwise)
  }
}
