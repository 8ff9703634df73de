import { KEMPublicKey, PublicKey } from '@signalapp/libsignal-client'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { KeySet, SignedKey } from '../store/store.ts'

/**
 * Checks uploaded keys whole before anything is stored: `keys.malformed` for bytes that are no key or a key id given
 * twice, `keys.signature` for a prekey that the identity key did not sign.
 */
export function checkKeys(identityKey: Bytes, keys: KeySet): void {
  const identity = curveKey(identityKey)
  const signed = keys.signedPreKey
  const kyber = [
    ...keys.oneTimeKyberPreKeys,
    ...(keys.lastResortKyberPreKey === null ? [] : [keys.lastResortKyberPreKey]),
  ]
  uniqueIds(keys.oneTimePreKeys)
  uniqueIds(kyber)
  for (const key of keys.oneTimePreKeys) curveKey(key.publicKey)
  if (signed !== null) {
    curveKey(signed.publicKey)
    checkSignature(identity, signed)
  }
  for (const key of kyber) {
    kyberKey(key.publicKey)
    checkSignature(identity, key)
  }
}

function uniqueIds(keys: readonly { readonly keyId: number }[]): void {
  if (new Set(keys.map((key) => key.keyId)).size !== keys.length) throw new CodedError('keys.malformed')
}

function curveKey(bytes: Bytes): PublicKey {
  try {
    return PublicKey.deserialize(bytes)
  } catch {
    throw new CodedError('keys.malformed')
  }
}

function kyberKey(bytes: Bytes): void {
  try {
    KEMPublicKey.deserialize(bytes)
  } catch {
    throw new CodedError('keys.malformed')
  }
}

function checkSignature(identity: PublicKey, key: SignedKey): void {
  let signed = false
  try {
    signed = identity.verify(key.publicKey, key.signature)
  } catch {
    // libsignal throws for signatures of another length: not signed either.
  }
  if (!signed) throw new CodedError('keys.signature')
}
