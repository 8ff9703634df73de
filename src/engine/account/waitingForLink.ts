import { randomBytes } from 'node:crypto'
import { copyBytes, fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { newEphemeralKey, openHandover, type AccountHandover } from '../../protocol/linking.ts'
import { limits } from '../../wire/limits.ts'
import { linkCode, linkIdOf } from '../../wire/linking.ts'
import { withHttp, type CheckedRelay } from './enrolment.ts'

/** How often a device that shows its code asks whether it was typed, in ms. */
const askEveryMs = 1_500

/** What was handed over, with the link that it came by. */
export interface TakenOver {
  readonly linkId: Bytes
  readonly handover: AccountHandover
}

/**
 * A device that shows a code and waits until a person types it at another device of the account (ARCHITECTURE: linking).
 * Its ephemeral key lives here only: with the end of the wait it is gone, and so is the code.
 */
export class WaitingForLink {
  readonly code: string
  readonly expiresAt: number
  readonly #relay: CheckedRelay
  readonly #linkId: Bytes
  readonly #privateKey: Bytes
  readonly #until = performance.now() + limits.linkMs
  #ended = false
  #timer: NodeJS.Timeout | null = null
  #wake: () => void = () => undefined

  private constructor(relay: CheckedRelay, code: string, privateKey: Bytes, expiresAt: number) {
    this.#relay = relay
    this.code = code
    this.#linkId = linkIdOf(code)
    this.#privateKey = privateKey
    this.expiresAt = expiresAt
  }

  /** Leaves the ephemeral key at the relay. Throws the codes of the network and the relay. */
  static async begin(relay: CheckedRelay): Promise<WaitingForLink> {
    const { privateKey, publicKey } = newEphemeralKey()
    const nonce = copyBytes(randomBytes(16))
    const code = linkCode(publicKey, nonce, relay.relayId)
    const body = {
      linkId: toBase64Url(linkIdOf(code)),
      ephemeralKey: toBase64Url(publicKey),
      nonce: toBase64Url(nonce),
    }
    const { expiresAt } = await withHttp(relay.named, (http) => http.request('linkOffer', { body }))
    return new WaitingForLink(relay, code, privateKey, expiresAt)
  }

  /** The account's keys once they have been sealed to this device; null when the wait was ended or the code ran out. */
  async taken(): Promise<TakenOver | null> {
    while (!this.#ended && performance.now() < this.#until) {
      const sealed = await this.#ask()
      if (sealed === 'gone') return null
      if (sealed !== null) return this.#opened(sealed)
      await this.#rest()
    }
    return null
  }

  end(): void {
    this.#ended = true
    this.#privateKey.fill(0)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#wake()
  }

  #opened(sealed: Bytes): TakenOver {
    const linkId = this.#linkId
    return { linkId, handover: openHandover(this.#privateKey, linkId, this.#relay.relayId, sealed) }
  }

  /** Null: nobody has typed it yet, or the relay could not be asked just now. */
  async #ask(): Promise<Bytes | 'gone' | null> {
    try {
      const body = { linkId: toBase64Url(this.#linkId) }
      const { sealed } = await withHttp(this.#relay.named, (http) => http.request('linkTake', { body }))
      if (sealed === null) return null
      const bytes = fromBase64Url(sealed)
      if (bytes === null) throw new CodedError('relay.malformedAnswer')
      return bytes
    } catch (error) {
      return reportOf(error).code === 'link.unknown' ? 'gone' : null
    }
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = setTimeout(resolve, askEveryMs)
    })
  }
}
