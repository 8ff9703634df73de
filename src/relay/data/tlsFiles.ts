import { createHash, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError, type ErrorCode } from '../../base/errors.ts'

/** PEM texts. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** When a certificate is good, in ms since the epoch. */
export interface TlsDates {
  readonly startsAt: number
  readonly endsAt: number
}

/** An administrator has this long to renew after the first warning, in milliseconds. */
const expiringMs = 21 * 24 * 3_600_000

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
  const problem = pairProblem(files)
  if (problem === null) return
  throw new CodedError('argument.invalid', { option: problem === 'tls.malformed' ? 'certificate' : 'key' })
}

/** `tls.malformed` for a certificate that is none, `tls.keyMismatch` for a key that is none or another one's. */
export function pairProblem(files: TlsFiles): 'tls.malformed' | 'tls.keyMismatch' | null {
  if (tlsDates(files.certificate) === null) return 'tls.malformed'
  try {
    createSecureContext({ cert: files.certificate, key: files.key })
    return null
  } catch {
    return 'tls.keyMismatch'
  }
}

/** Of the first certificate of a chain; null when there is none. */
export function tlsDates(pem: string): TlsDates | null {
  try {
    const { validFrom, validTo } = new X509Certificate(pem)
    return { startsAt: Date.parse(validFrom), endsAt: Date.parse(validTo) }
  } catch {
    return null
  }
}

/** What an administrator should be told of a certificate's dates, or null. */
export function datesProblem({ startsAt, endsAt }: TlsDates, now: number): ErrorCode | null {
  if (now >= endsAt) return 'tls.expired'
  if (now < startsAt) return 'tls.notYet'
  return endsAt - now < expiringMs ? 'tls.expiring' : null
}

/** Workstations know the relay by its key alone: with another one none of them would come back. */
export function sameKey(a: TlsFiles, b: TlsFiles): boolean {
  return sameBytes(certificatePin(a.certificate), certificatePin(b.certificate))
}
