import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { copyBytes, toBase64Url, type Bytes } from '../../base/bytes.ts'

/** What a signature is asked for, with the id of the step-up or SHA-256 of the link; made for another purpose it is no answer. */
export type Purpose = 'signIn' | `stepUp ${string}` | `register ${string}`

interface Challenge {
  readonly purpose: Purpose
  readonly endsAt: number
}

export const challengeMs = 300_000
/** Past it the oldest goes: who floods them costs others a second try at most. */
const openMax = 10_000

/** Challenges that wait for their signature: each is good once, for one purpose and a few minutes. In memory alone. */
export class Challenges {
  readonly #clock: Clock
  readonly #open = new Map<string, Challenge>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  make(purpose: Purpose): Bytes {
    const now = this.#clock.now()
    for (const [text, { endsAt }] of this.#open) {
      // In the order in which they end.
      if (endsAt > now && this.#open.size < openMax) break
      this.#open.delete(text)
    }
    const bytes = copyBytes(randomBytes(32))
    this.#open.set(toBase64Url(bytes), { purpose, endsAt: now + challengeMs })
    return bytes
  }

  /** Uses it up, also where it is for something else. */
  take(text: string, purpose: Purpose): boolean {
    const found = this.#open.get(text)
    this.#open.delete(text)
    const left = found === undefined ? 0 : found.endsAt - this.#clock.now()
    return found?.purpose === purpose && left > 0 && left <= challengeMs
  }
}
