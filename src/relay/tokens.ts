import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import {
  concatBytes,
  fromBase64Url,
  fromUuid,
  sameBytes,
  toBase64Url,
  toUuid,
  utf8,
  type Bytes,
} from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import { limits } from '../wire/limits.ts'

export interface TokenSubject {
  readonly accountId: string
  readonly deviceId: number
  /** The store's number: a later device under the same id is another one. */
  readonly device: number
}

export interface IssuedToken {
  readonly value: string
  readonly expiresAt: number
}

const subjectBytes = 16 + 1 + 8 + 8
const macBytes = 32

/**
 * HTTP tokens that prove themselves: account, device and expiry under an HMAC-SHA256. Nothing bearer-like is stored. The
 * key of a relay that is alone is made when it starts, so that a restart ends every token; several processes share one
 * that each derives from what lies in its data folder (`sharedTokenKey`).
 */
export class Tokens {
  readonly #key: Uint8Array
  readonly #clock: Clock

  constructor(clock: Clock, key: Uint8Array = randomBytes(32)) {
    this.#clock = clock
    this.#key = key
  }

  issue(subject: TokenSubject): IssuedToken {
    const account = fromUuid(subject.accountId)
    if (account === null) throw new CodedError('internal')
    const expiresAt = this.#clock.now() + limits.tokenMs
    const numbers = new Uint8Array(16)
    const view = new DataView(numbers.buffer)
    view.setBigUint64(0, BigInt(expiresAt))
    view.setBigUint64(8, BigInt(subject.device))
    const content = concatBytes(account, Uint8Array.of(subject.deviceId), numbers)
    return { value: toBase64Url(concatBytes(content, this.#mac(content))), expiresAt }
  }

  /** Whom the token stands for, or null when it is foreign, altered or has expired. */
  read(value: string): TokenSubject | null {
    const bytes = fromBase64Url(value)
    if (bytes === null || bytes.length !== subjectBytes + macBytes) return null
    const content = bytes.subarray(0, subjectBytes)
    if (!sameBytes(this.#mac(content), bytes.subarray(subjectBytes))) return null
    const view = new DataView(content.buffer, content.byteOffset)
    const expiresAt = Number(view.getBigUint64(17))
    const device = Number(view.getBigUint64(25))
    const accountId = toUuid(content.subarray(0, 16))
    return accountId === null || expiresAt <= this.#clock.now()
      ? null
      : { accountId, deviceId: content[16] ?? 0, device }
  }

  #mac(content: Uint8Array): Bytes {
    return new Uint8Array(
      createHmac('sha256', this.#key).update(utf8('valise token v1\0')).update(content).digest(),
    )
  }
}

/** From a secret that every process of the relay has and nobody else. */
export function sharedTokenKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), utf8('valise token key v1'), 32))
}
