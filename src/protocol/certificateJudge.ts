import { PublicKey, type SenderCertificate } from '@signalapp/libsignal-client'
import { toBase64Url, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { protocolError } from './errors.ts'

/** Certificates whose signatures are remembered as good; a sender uses one for a day. */
const remembered = 1_000

/**
 * Judges sender certificates by the relay's trust root, at the relay's time of reception (never the local clock). Their two
 * signatures do not change, so they are verified once for the same bytes: a queue of one sender's messages repeats them.
 */
export class CertificateJudge {
  readonly #trustRoot: PublicKey
  readonly #good = new Set<string>()

  /** Throws when these bytes are no public key. */
  constructor(trustRoot: Bytes) {
    this.#trustRoot = PublicKey.deserialize(trustRoot)
  }

  /** `at`: ms since the epoch. Throws `certificate.untrusted` or `certificate.expired`. */
  check(certificate: SenderCertificate, at: number): void {
    // Told apart here, for libsignal answers alike for a foreign root and for an expired certificate (4.17).
    if (certificate.expiration() <= at) throw new CodedError('certificate.expired')
    const bytes = toBase64Url(certificate.serialize())
    if (this.#good.has(bytes)) return
    if (!this.#isSigned(certificate, at)) throw new CodedError('certificate.untrusted')
    if (this.#good.size >= remembered) this.#good.clear()
    this.#good.add(bytes)
  }

  #isSigned(certificate: SenderCertificate, at: number): boolean {
    try {
      return certificate.validate(this.#trustRoot, at)
    } catch (error) {
      throw protocolError(error, 'certificate.untrusted')
    }
  }
}
