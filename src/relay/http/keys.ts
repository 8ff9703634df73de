import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { Bundle, KeyUpload } from '../../wire/http.ts'
import type { KeySet, PreKey, SignedKey, StoredBundle } from '../store/store.ts'

const curveKeyBytes = 33
const kyberKeyBytes = 1_569
const signatureBytes = 64

/** The bytes of a schema-checked text; `keys.malformed` when they are not canonical or of another length. */
export function exactBytes(text: string, length: number): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null || bytes.length !== length) throw new CodedError('keys.malformed')
  return bytes
}

/** Bytes of any length. */
export function bytesOf(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('request.malformed')
  return bytes
}

export function curveKeyOf(text: string): Bytes {
  return exactBytes(text, curveKeyBytes)
}

export function signatureOf(text: string): Bytes {
  return exactBytes(text, signatureBytes)
}

/** A raw Ed25519 key, and a SHA-256. */
export function bytes32Of(text: string): Bytes {
  return exactBytes(text, 32)
}

type SignedText = NonNullable<KeyUpload['signedPreKey']>

function signedKeyOf(key: SignedText, length: number): SignedKey {
  return {
    keyId: key.keyId,
    publicKey: exactBytes(key.publicKey, length),
    signature: signatureOf(key.signature),
  }
}

export function keySetOf(upload: KeyUpload): KeySet {
  const { signedPreKey, lastResortKyberPreKey } = upload
  return {
    replaceOneTime: upload.replaceOneTime,
    signedPreKey: signedPreKey === undefined ? null : signedKeyOf(signedPreKey, curveKeyBytes),
    lastResortKyberPreKey:
      lastResortKyberPreKey === undefined ? null : signedKeyOf(lastResortKyberPreKey, kyberKeyBytes),
    oneTimePreKeys: upload.oneTimePreKeys.map((key) => ({
      keyId: key.keyId,
      publicKey: curveKeyOf(key.publicKey),
    })),
    oneTimeKyberPreKeys: upload.oneTimeKyberPreKeys.map((key) => signedKeyOf(key, kyberKeyBytes)),
  }
}

export function bundleAnswer(bundle: StoredBundle): Bundle {
  return {
    identityKey: toBase64Url(bundle.identityKey),
    devices: bundle.devices.map((device) => ({
      deviceId: device.deviceId,
      registrationId: device.registrationId,
      deviceKey: toBase64Url(device.deviceKey),
      attestation: toBase64Url(device.attestation),
      signedPreKey: signedText(device.signedPreKey),
      preKey: device.preKey === null ? null : preKeyText(device.preKey),
      kyberPreKey: signedText(device.kyberPreKey),
    })),
  }
}

function preKeyText(key: PreKey): { keyId: number; publicKey: string } {
  return { keyId: key.keyId, publicKey: toBase64Url(key.publicKey) }
}

function signedText(key: SignedKey): SignedText {
  return { ...preKeyText(key), signature: toBase64Url(key.signature) }
}
