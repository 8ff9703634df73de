import { KEMPublicKey, PublicKey } from '@signalapp/libsignal-client'
import { fromUuid, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { attestationInput } from '../../wire/authentication.ts'
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

export interface AttestedDevice {
  readonly accountId: string
  readonly deviceId: number
  readonly registrationId: number
  readonly deviceKey: Bytes
}

/** Throws `device.attestation` for a device that the account's identity key did not sign. */
export function checkAttestation(identityKey: Bytes, device: AttestedDevice, attestation: Bytes): void {
  const identity = curveKey(identityKey)
  const accountId = fromUuid(device.accountId)
  if (accountId === null) throw new CodedError('request.malformed')
  if (!signedBy(identity, attestationInput({ ...device, accountId }), attestation)) {
    throw new CodedError('device.attestation')
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
  if (!signedBy(identity, key.publicKey, key.signature)) throw new CodedError('keys.signature')
}

function signedBy(identity: PublicKey, input: Bytes, signature: Bytes): boolean {
  try {
    return identity.verify(input, signature)
  } catch {
    // libsignal throws for signatures of another length: not signed either.
    return false
  }
}
