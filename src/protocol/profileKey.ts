import { createHash, randomBytes } from 'node:crypto'
import { ProfileKey } from '@signalapp/libsignal-client/zkgroup.js'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'

export const profileKeyBytes = 32

/** A new one is how somebody who has the old one is kept from writing anonymously. */
export function newProfileKey(): Bytes {
  return copyBytes(randomBytes(profileKeyBytes))
}

/** 16 bytes: whoever shows them may write without a permit. Throws `content.malformed` for a key of another length. */
export function accessKeyOf(profileKey: Bytes): Bytes {
  if (profileKey.length !== profileKeyBytes) throw new CodedError('content.malformed')
  return new ProfileKey(profileKey).deriveAccessKey()
}

/** SHA-256: what the relay compares with, so that it holds no key that lets one write. */
export function accessKeyHash(accessKey: Bytes): Bytes {
  return copyBytes(createHash('sha256').update(accessKey).digest())
}
