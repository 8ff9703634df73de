import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { toBase64Url, type Bytes } from '../../base/bytes.ts'

export const idleMs = 15 * 60_000
export const sessionMs = 8 * 3_600_000
const openMax = 1_000

export interface Session {
  readonly accountId: string
  /** Which credential opened it: it ends with that. */
  readonly credentialId: Bytes
}

interface Kept extends Session {
  readonly startedAt: number
  seenAt: number
}

/** Who is signed in to the administrator's page. In memory, under a hash: neither a restart nor a look at it opens one. */
export class Sessions {
  readonly #clock: Clock
  readonly #open = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The token for the cookie. */
  open(session: Session): string {
    const now = this.#clock.now()
    for (const [key, kept] of this.#open)
      if (isOver(kept, now) || this.#open.size >= openMax) this.#open.delete(key)
    const token = toBase64Url(randomBytes(32))
    this.#open.set(keyOf(token), { ...session, startedAt: now, seenAt: now })
    return token
  }

  /** Whose token it is, which is seen with that; null for one that is over. */
  see(token: string): Session | null {
    const key = keyOf(token)
    const kept = this.#open.get(key)
    const now = this.#clock.now()
    if (kept === undefined || isOver(kept, now)) {
      this.#open.delete(key)
      return null
    }
    kept.seenAt = now
    return kept
  }

  close(token: string): void {
    this.#open.delete(keyOf(token))
  }
}

/** A clock that was set back ends it too. */
function isOver({ startedAt, seenAt }: Kept, now: number): boolean {
  return now < seenAt || now - seenAt >= idleMs || now - startedAt >= sessionMs
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
