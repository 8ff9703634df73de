import {
  DonationPermit,
  DonationPermitDerivedKeyPair,
  DonationPermitRequest,
  DonationPermitResponse,
  ServerSecretParams,
} from '@signalapp/libsignal-client/zkgroup.js'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { SpendablePermit } from '../store/store.ts'

export interface PermitDraw {
  readonly count: number
  readonly response: Bytes
}

/** A serialized request: a version, the number of nonces (64 bits, little endian), and 32 bytes a nonce. */
const headBytes = 9
const nonceBytes = 32
const dayMs = 24 * 3_600_000
/** libsignal names the end of the next UTC day, or the one after in a day's last hour; it takes none in its last two hours. */
const aheadMs = 3 * dayMs
const keptKeys = 8

/**
 * Blind permits on the relay's own parameters (ARCHITECTURE: blind one-time permits). What is issued and what is spent
 * cannot be brought together, not even by the relay.
 */
export class Permits {
  readonly #params: ServerSecretParams
  readonly #keys = new Map<number, DonationPermitDerivedKeyPair>()

  constructor(zkSecretParams: Bytes) {
    this.#params = new ServerSecretParams(zkSecretParams)
  }

  /** Throws `request.malformed` for bytes that are no request, or one for more than `max` permits. */
  issue(request: Bytes, max: number, now: number): PermitDraw {
    const count = (request.length - headBytes) / nonceBytes
    if (!Number.isInteger(count) || count < 1 || count > max) throw new CodedError('request.malformed')
    const expiration = DonationPermitResponse.defaultExpiration(new Date(now))
    try {
      const issued = new DonationPermitRequest(request).issue(this.#keyOf(expiration))
      return { count, response: issued.serialize() }
    } catch (thrown) {
      throw new CodedError('request.malformed', {}, { cause: thrown })
    }
  }

  /** A permit that this relay issued and that has not expired, or null. */
  verify(permit: Uint8Array, now: number): SpendablePermit | null {
    try {
      const read = new DonationPermit(new Uint8Array(permit))
      const { expiration } = read
      const expiresAt = expiration.getTime()
      // The key follows from the time that the permit names: only those that can have been issued are derived.
      if (expiresAt <= now || expiresAt > now + aheadMs || expiresAt % dayMs !== 0) return null
      read.verify(this.#keyOf(expiration), new Date(now))
      return { spendId: new Uint8Array(read.spendId), expiresAt }
    } catch {
      return null
    }
  }

  #keyOf(expiration: Date): DonationPermitDerivedKeyPair {
    const time = expiration.getTime()
    const known = this.#keys.get(time)
    if (known !== undefined) return known
    const key = DonationPermitDerivedKeyPair.forExpiration(expiration, this.#params)
    if (this.#keys.size >= keptKeys) this.#keys.clear()
    this.#keys.set(time, key)
    return key
  }
}
