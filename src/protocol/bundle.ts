import { KEMPublicKey, PreKeyBundle, PublicKey } from '@signalapp/libsignal-client'
import { fromBase64Url, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { bundleSchema, type Bundle } from '../wire/http.ts'
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

/** As libsignal takes it; its signatures are checked when a session is started from it. */
export function preKeyBundle(identityKey: string, device: BundleDevice): PreKeyBundle {
  try {
    return PreKeyBundle.new(
      device.registrationId,
      device.deviceId,
      device.preKey?.keyId ?? null,
      device.preKey === null ? null : publicKey(device.preKey.publicKey),
      device.signedPreKey.keyId,
      publicKey(device.signedPreKey.publicKey),
      bytesOf(device.signedPreKey.signature),
      publicKey(identityKey),
      device.kyberPreKey.keyId,
      KEMPublicKey.deserialize(bytesOf(device.kyberPreKey.publicKey)),
      bytesOf(device.kyberPreKey.signature),
    )
  } catch (error) {
    throw protocolError(error, 'bundle.malformed')
  }
}

function publicKey(text: string): PublicKey {
  return PublicKey.deserialize(bytesOf(text))
}

function bytesOf(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('bundle.malformed')
  return bytes
}
