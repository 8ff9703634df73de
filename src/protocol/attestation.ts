import { IdentityKeyPair, PublicKey } from '@signalapp/libsignal-client'
import { fromUuid, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { attestationInput } from '../wire/authentication.ts'
import type { Address } from './address.ts'

/** A device as the account's identity key vouches for it. */
export interface AttestedDevice extends Address {
  readonly registrationId: number
  /** Ed25519, raw 32 bytes. */
  readonly deviceKey: Bytes
}

/** The account's word that this device is its own: 64 bytes. Throws `argument.invalid` for an id that is no UUID. */
export function attest(identityKeyPair: Bytes, device: AttestedDevice): Bytes {
  const input = inputOf(device)
  if (input === null) throw new CodedError('argument.invalid')
  return IdentityKeyPair.deserialize(identityKeyPair).privateKey.sign(input)
}

export function verifyAttestation(identityKey: Bytes, device: AttestedDevice, attestation: Bytes): boolean {
  const input = inputOf(device)
  if (input === null) return false
  try {
    return PublicKey.deserialize(identityKey).verify(input, attestation)
  } catch {
    // libsignal throws for bytes that are no key, and for signatures of another length.
    return false
  }
}

function inputOf({ accountId, deviceId, registrationId, deviceKey }: AttestedDevice): Bytes | null {
  const account = fromUuid(accountId)
  return account && attestationInput({ accountId: account, deviceId, registrationId, deviceKey })
}
