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
  /** Each in the order in which they end. Anybody may ask to sign in: what needs an id that was given is kept apart. */
  readonly #kept = { signIn: new Map<string, Challenge>(), given: new Map<string, Challenge>() }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  make(purpose: Purpose): Bytes {
    const now = this.#clock.now()
    const open = this.#of(purpose)
    for (const [text, { endsAt }] of open) {
      if (endsAt > now && open.size < openMax) break
      open.delete(text)
    }
    const bytes = copyBytes(randomBytes(32))
    open.set(toBase64Url(bytes), { purpose, endsAt: now + challengeMs })
    return bytes
  }

  /** Uses it up, also where it is for something else. */
  take(text: string, purpose: Purpose): boolean {
    const { signIn, given } = this.#kept
    const found = signIn.get(text) ?? given.get(text)
    signIn.delete(text)
    given.delete(text)
    const left = found === undefined ? 0 : found.endsAt - this.#clock.now()
    return found?.purpose === purpose && left > 0 && left <= challengeMs
  }

  #of(purpose: Purpose): Map<string, Challenge> {
    return purpose === 'signIn' ? this.#kept.signIn : this.#kept.given
  }
}
