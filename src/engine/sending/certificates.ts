import { fromBase64Url, sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { certificateIdentity } from '../../protocol/sealedSender.ts'
import {
  readCertificate,
  writeCertificate,
  type SenderCertificateRow,
} from '../../storage/repositories/account.ts'
import type { Vault } from '../../storage/vault.ts'
import type { LiveConnection, RelayConnection } from '../relay/connection.ts'
import type { Self } from '../account/self.ts'

/** A certificate with less left than this is renewed, by the relay's clock. */
const renewBeforeMs = 6 * 3_600_000

/** This device's sender certificate, kept in the vault and renewed in time. */
export class Certificates {
  readonly #vault: Vault
  readonly #connection: RelayConnection
  readonly #self: Self
  #renewal: Promise<Bytes> | null = null

  constructor(vault: Vault, connection: RelayConnection, self: Self) {
    this.#vault = vault
    this.#connection = connection
    this.#self = self
  }

  /** A certificate that is valid now. Throws `relay.unreachable` or the relay's refusal when it has none to give. */
  async current(live: LiveConnection): Promise<Bytes> {
    const kept = this.#kept()
    const now = live.relayTime()
    if (kept !== null && kept.expiresAt - now > renewBeforeMs) return kept.certificate
    try {
      this.#renewal ??= this.#renew().finally(() => {
        this.#renewal = null
      })
      return await this.#renewal
    } catch (error) {
      if (kept !== null && kept.expiresAt > now) return kept.certificate
      throw error
    }
  }

  /** One that came in the moment in which the account's key was replaced names a key that is no more. */
  #kept(): SenderCertificateRow | null {
    const kept = readCertificate(this.#vault.sql)
    return kept !== null && this.#isOwn(kept.certificate) ? kept : null
  }

  #isOwn(certificate: Bytes): boolean {
    return sameBytes(certificateIdentity(certificate), this.#self.identityKey())
  }

  async #renew(): Promise<Bytes> {
    const answer = await this.#connection.request('certificate')
    const certificate = fromBase64Url(answer.certificate)
    // Sealed under another one, a message would be refused by whom it is for.
    if (certificate === null || !this.#isOwn(certificate)) throw new CodedError('relay.malformedAnswer')
    this.#vault.transaction((tx) => writeCertificate(tx, { certificate, expiresAt: answer.expiresAt }))
    return certificate
  }
}
