import { createPublicKey, verify } from 'node:crypto'
import { toBase64Url, type Bytes } from '../base/bytes.ts'

/** True when the raw Ed25519 key signed the input. Bytes that are no key or no signature have signed nothing. */
export function verifyByDeviceKey(deviceKey: Bytes, input: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(deviceKey) },
      format: 'jwk',
    })
    return verify(null, input, key, signature)
  } catch {
    return false
  }
}
