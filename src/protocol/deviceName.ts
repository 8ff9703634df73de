import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { hkdf, IdentityKeyPair } from '@signalapp/libsignal-client'
import { concatBytes, copyBytes, utf8, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { pad, unpad } from '../content/padding.ts'

/** UTF-8 bytes; padded and sealed they stay under the 512 of the relay's interface. */
export const deviceNameBytes = 200

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/**
 * The name of one of the account's devices, for its other devices alone. The device id is bound to it, so that the relay
 * cannot exchange two. Throws `content.tooLarge`.
 */
export function sealName(identityKeyPair: Bytes, deviceId: number, name: string): Bytes {
  const bytes = utf8(name)
  if (bytes.length > deviceNameBytes) {
    throw new CodedError('content.tooLarge', { bytes: bytes.length, limit: deviceNameBytes })
  }
  const nonce = randomBytes(nonceBytes)
  const sealer = createCipheriv(cipher, nameKey(identityKeyPair), nonce)
  sealer.setAAD(Uint8Array.of(deviceId))
  const sealed = concatBytes(sealer.update(pad(bytes)), sealer.final())
  return concatBytes(nonce, sealed, sealer.getAuthTag())
}

/** Null for what was not sealed for this device under this identity key: it is shown without a name. */
export function openName(identityKeyPair: Bytes, deviceId: number, sealed: Bytes): string | null {
  if (sealed.length <= nonceBytes + tagBytes) return null
  const key = nameKey(identityKeyPair)
  const opener = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  opener.setAAD(Uint8Array.of(deviceId))
  opener.setAuthTag(sealed.subarray(-tagBytes))
  try {
    const padded = concatBytes(opener.update(sealed.subarray(nonceBytes, -tagBytes)), opener.final())
    return new TextDecoder('utf-8', { fatal: true }).decode(unpad(copyBytes(padded)))
  } catch {
    return null
  }
}

/** A key for nothing else, from the one secret that all devices of the account share. */
function nameKey(identityKeyPair: Bytes): Bytes {
  const { privateKey } = IdentityKeyPair.deserialize(identityKeyPair)
  return hkdf(32, privateKey.serialize(), utf8('valise device name v1'), null)
}
