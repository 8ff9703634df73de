import { KEMPublicKey, PreKeyBundle } from '@signalapp/libsignal-client'
import { fromBase64Url, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { bundleSchema, type Bundle } from '../wire/http.ts'
import { verifyAttestation } from './attestation.ts'
import { receivedKey } from './curveKeys.ts'
import { protocolError } from './errors.ts'

export type BundleDevice = Bundle['devices'][number]

/**
 * Reads a relay's answer about an account's keys. Throws `bundle.noKyberKey` where a device has none (PQXDH needs
 * one; a relay that leaves it out would take the post-quantum part away) and `bundle.malformed` otherwise.
 */
export function readBundle(answer: unknown): Bundle {
  const parsed = bundleSchema.safeParse(answer)
  if (parsed.success) return parsed.data
  const onlyKyber = parsed.error.issues.every((issue) => issue.path.includes('kyberPreKey'))
  throw new CodedError(onlyKyber ? 'bundle.noKyberKey' : 'bundle.malformed')
}

/** The identity key of a bundle, as `holdIdentity` takes it. */
export function bundleIdentityKey(identityKey: string): Bytes {
  return bytesOf(identityKey)
}

/**
 * The keys of one device as libsignal takes them; it checks their signatures when a session is started from them.
 * Throws `device.attestation` for a device that the identity key does not vouch for: the relay invented it, or offers
 * it under another number. Throws `bundle.malformed` for keys that are none or of low order.
 */
export function preKeyBundle(accountId: string, identityKey: string, device: BundleDevice): PreKeyBundle {
  const { deviceId, registrationId, signedPreKey, preKey, kyberPreKey } = device
  const identity = curveKey(identityKey)
  const attested = { accountId, deviceId, registrationId, deviceKey: bytesOf(device.deviceKey) }
  if (!verifyAttestation(identity.serialize(), attested, bytesOf(device.attestation))) {
    throw new CodedError('device.attestation')
  }
  try {
    return PreKeyBundle.new(
      registrationId,
      deviceId,
      preKey?.keyId ?? null,
      preKey === null ? null : curveKey(preKey.publicKey),
      signedPreKey.keyId,
      curveKey(signedPreKey.publicKey),
      bytesOf(signedPreKey.signature),
      identity,
      kyberPreKey.keyId,
      KEMPublicKey.deserialize(bytesOf(kyberPreKey.publicKey)),
      bytesOf(kyberPreKey.signature),
    )
  } catch (error) {
    throw protocolError(error, 'bundle.malformed')
  }
}

const curveKey = (text: string) => receivedKey(bytesOf(text), 'bundle.malformed')

function bytesOf(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('bundle.malformed')
  return bytes
}
