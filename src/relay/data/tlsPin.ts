import { createHash, X509Certificate } from 'node:crypto'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

/** SHA-256 of the certificate's SubjectPublicKeyInfo: survives a renewal with the same key. */
export function certificatePin(pem: string): Bytes {
  try {
    const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
    return new Uint8Array(createHash('sha256').update(spki).digest())
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option: 'certificate' }, { cause: thrown })
  }
}
