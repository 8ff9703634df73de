import { copyBytes } from '../../base/bytes.ts'
import type { SignedKey, StoredDeviceBundle } from './store.ts'

// Keys as both engines' tables hold them.

export interface OneTimeRow {
  readonly key_id: number
  readonly public_key: Uint8Array
}

export interface OneTimeKyberRow extends OneTimeRow {
  readonly signature: Uint8Array
}

export interface DeviceKeysRow {
  readonly device: number
  readonly device_id: number
  readonly registration_id: number
  readonly device_key: Uint8Array
  readonly attestation: Uint8Array
  readonly signed_id: number
  readonly signed_key: Uint8Array
  readonly signed_signature: Uint8Array
  readonly kyber_id: number
  readonly kyber_key: Uint8Array
  readonly kyber_signature: Uint8Array
}

/** Without one-time keys it is the last resort that is given. */
export function bundleOf(
  row: DeviceKeysRow,
  pre: OneTimeRow | undefined,
  kyber: OneTimeKyberRow | undefined,
): StoredDeviceBundle {
  const lastResort = signedKey(row.kyber_id, row.kyber_key, row.kyber_signature)
  return {
    deviceId: row.device_id,
    registrationId: row.registration_id,
    deviceKey: copyBytes(row.device_key),
    attestation: copyBytes(row.attestation),
    signedPreKey: signedKey(row.signed_id, row.signed_key, row.signed_signature),
    preKey: pre === undefined ? null : { keyId: pre.key_id, publicKey: copyBytes(pre.public_key) },
    kyberPreKey:
      kyber === undefined ? lastResort : signedKey(kyber.key_id, kyber.public_key, kyber.signature),
  }
}

function signedKey(keyId: number, publicKey: Uint8Array, signature: Uint8Array): SignedKey {
  return { keyId, publicKey: copyBytes(publicKey), signature: copyBytes(signature) }
}
