import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { IdentityKeyPair, PrivateKey } from '@signalapp/libsignal-client'
import { copyBytes, fromUuid, toUuid, utf8, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'
import { receivedKey } from './curveKeys.ts'
import { AccountHandoverSchema, type AccountHandover as Message } from './linking_pb.ts'
import { profileKeyBytes } from './profileKey.ts'

/** Everything that makes a new device one of the account. */
export interface AccountHandover {
  readonly accountId: string
  readonly deviceId: number
  /** 32 bytes, from the relay: with it the new device completes the link. */
  readonly secret: Bytes
  readonly identityKeyPair: Bytes
  readonly profileKey: Bytes
  readonly relayId: string
}

/** Made for one link and forgotten with it. */
export interface EphemeralKey {
  readonly privateKey: Bytes
  readonly publicKey: Bytes
}

const label = utf8('valise link v1')
const secretBytes = 32
const relayIdCharacters = 64

export function newEphemeralKey(): EphemeralKey {
  const key = PrivateKey.generate()
  return { privateKey: key.serialize(), publicKey: key.getPublicKey().serialize() }
}

/**
 * HPKE (RFC 9180) to the new device's key, bound to the link that the code named. The caller has compared that key with
 * the code before. Throws `link.mismatch` for a key that is none or of low order, `argument.invalid` for a bad handover.
 */
export function sealHandover(ephemeralKey: Bytes, linkId: Bytes, handover: AccountHandover): Bytes {
  const key = receivedKey(ephemeralKey, 'link.mismatch')
  const accountId = fromUuid(handover.accountId)
  if (accountId === null) throw new CodedError('argument.invalid')
  const message = create(AccountHandoverSchema, { ...handover, accountId })
  if (readHandover(message) === null) throw new CodedError('argument.invalid')
  return key.seal(copyBytes(toBinary(AccountHandoverSchema, message)), label, linkId)
}

/**
 * Throws `link.mismatch` for anything that was not sealed to this key for this link at this relay, or whose parts are not
 * of their lengths: the new device then has nothing.
 */
export function openHandover(
  privateKey: Bytes,
  linkId: Bytes,
  relayId: string,
  sealed: Bytes,
): AccountHandover {
  try {
    const opened = PrivateKey.deserialize(privateKey).open(sealed, label, linkId)
    const handover = readHandover(fromBinary(AccountHandoverSchema, opened))
    if (handover !== null && handover.relayId === relayId) return handover
  } catch {
    // Sealed to another key, for another link, or no such message.
  }
  throw new CodedError('link.mismatch')
}

function readHandover(message: Message): AccountHandover | null {
  const accountId = toUuid(message.accountId)
  const { deviceId, secret, identityKeyPair, profileKey, relayId } = message
  const proper =
    accountId !== null &&
    deviceId >= 1 &&
    deviceId <= limits.deviceIdMax &&
    secret.length === secretBytes &&
    profileKey.length === profileKeyBytes &&
    relayId.length >= 1 &&
    relayId.length <= relayIdCharacters &&
    isKeyPair(copyBytes(identityKeyPair))
  if (!proper) return null
  return {
    accountId,
    deviceId,
    secret: copyBytes(secret),
    identityKeyPair: copyBytes(identityKeyPair),
    profileKey: copyBytes(profileKey),
    relayId,
  }
}

/** Both halves are there and belong together. */
function isKeyPair(bytes: Bytes): boolean {
  try {
    const pair = IdentityKeyPair.deserialize(bytes)
    return pair.privateKey.getPublicKey().equals(pair.publicKey)
  } catch {
    return false
  }
}
