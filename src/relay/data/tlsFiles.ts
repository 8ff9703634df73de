import { createHash, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

/** PEM texts. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** SHA-256 of the certificate's SubjectPublicKeyInfo: survives a renewal with the same key. */
export function certificatePin(pem: string): Bytes {
  try {
    const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
    return new Uint8Array(createHash('sha256').update(spki).digest())
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option: 'certificate' }, { cause: thrown })
  }
}

/** Throws `argument.invalid` for a certificate that is none, and for a key that is none or another one's. */
export function checkTlsFiles(files: TlsFiles): void {
  certificatePin(files.certificate)
  try {
    createSecureContext({ cert: files.certificate, key: files.key })
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option: 'key' }, { cause: thrown })
  }
}
