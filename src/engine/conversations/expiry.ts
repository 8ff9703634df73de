import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { boundedExpiry } from '../../content/rules/timers.ts'
import { dueExpired, nextExpiry, runningTimers, setExpiry } from '../../storage/repositories/expiry.ts'
import { deleteMessages, readMessage } from '../../storage/repositories/messages.ts'
import type { Vault } from '../../storage/vault.ts'
import type { RemovedMessage } from '../receiving/arrivals.ts'

/** Messages that one transaction takes away at most. */
const batch = 200
/** The longest sleep, in ms: a clock that was set meanwhile is noticed at the latest then. */
const longestRestMs = 60_000

/** Takes disappearing messages away when their time has come, from the vault and from the window. */
export class Expiry {
  readonly #vault: Vault
  readonly #clock: Clock
  readonly #gone: (messages: readonly RemovedMessage[]) => void
  #timer: NodeJS.Timeout | null = null
  #stopped = false
  /** The clock at the last look; at the first one every clock has gone back. */
  #looked = Infinity

  constructor(vault: Vault, clock: Clock, gone: (messages: readonly RemovedMessage[]) => void) {
    this.#vault = vault
    this.#clock = clock
    this.#gone = gone
  }

  /** A timer may have begun: what is due goes, and the next one is waited for. */
  look(): void {
    if (this.#stopped) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const next = this.#takeAway()
    if (next === null) return
    const wait = Math.min(Math.max(next - this.#clock.now(), 0), longestRestMs)
    this.#timer = setTimeout(() => this.look(), wait)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** When the next one is due; null for none. */
  #takeAway(): number | null {
    try {
      this.#shorten()
      this.#takeAllAway()
      return nextExpiry(this.#vault.sql)
    } catch {
      // A full disk: looked at again after the longest rest.
      return Infinity
    }
  }

  /** After the clock has gone back, nothing stays longer than its whole timer from now. */
  #shorten(): void {
    const now = this.#clock.now()
    const leapt = now < this.#looked
    this.#looked = now
    if (!leapt) return
    const late = runningTimers(this.#vault.sql).flatMap(({ position, timerSeconds, expiresAt }) => {
      const at = boundedExpiry(expiresAt, timerSeconds, now)
      return at < expiresAt ? [{ position, at }] : []
    })
    if (late.length === 0) return
    this.#vault.transaction((tx) => {
      for (const { position, at } of late) setExpiry(tx, position, at)
    })
  }

  #takeAllAway(): void {
    for (;;) {
      const due = dueExpired(this.#vault.sql, this.#clock.now(), batch)
      if (due.length === 0) return
      const gone = due.flatMap(({ position, conversationId }): RemovedMessage[] => {
        const row = readMessage(this.#vault.sql, position)
        return row === null
          ? []
          : [{ conversationId, authorId: row.authorId, messageId: toHex(row.messageId) }]
      })
      this.#vault.transaction((tx) =>
        deleteMessages(
          tx,
          due.map(({ position }) => position),
        ),
      )
      this.#gone(gone)
    }
  }
}
