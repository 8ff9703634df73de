import type { Change, ConnectionView } from '../../contract/index.ts'
import type { Sql } from '../../storage/binding.ts'
import { conversationView, messageView, type IsTyping } from './views.ts'

/** How long changes are collected, in ms: less than a frame of the screen. */
const collectMs = 10

/** Messages in one delta at most, so that the window takes a burst in without a long stop. */
const messagesPerChange = 100

interface Parts {
  readonly sql: Sql
  readonly connection: () => ConnectionView
  readonly isTyping: IsTyping
  readonly tell: (change: Change) => void
}

/**
 * Collects what looks different and tells it together: a burst of 250 messages is a handful of
 * deltas instead of a thousand. What is told is read at that moment, so that it is never older than the snapshot.
 */
export class ViewChanges {
  readonly #parts: Parts
  readonly #positions = new Set<number>()
  readonly #conversationIds = new Set<string>()
  #connection = false
  #scheduled: NodeJS.Timeout | null = null
  #toldAt = -Infinity

  constructor(parts: Parts) {
    this.#parts = parts
  }

  messages(positions: Iterable<number>, conversationIds: Iterable<string>): void {
    for (const position of positions) this.#positions.add(position)
    for (const conversationId of conversationIds) this.#conversationIds.add(conversationId)
    this.#schedule()
  }

  conversation(conversationId: string): void {
    this.messages([], [conversationId])
  }

  connection(): void {
    this.#connection = true
    this.#schedule()
  }

  /** Tells what has been collected, at once. */
  flush(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled)
    this.#scheduled = null
    this.#toldAt = performance.now()
    const { sql, tell, isTyping } = this.#parts
    const messages = [...this.#positions].flatMap((position) => messageView(sql, position) ?? [])
    this.#positions.clear()
    for (let at = 0; at < messages.length; at += messagesPerChange) {
      tell({ kind: 'messages', messages: messages.slice(at, at + messagesPerChange) })
    }
    const conversationIds = [...this.#conversationIds]
    this.#conversationIds.clear()
    for (const conversationId of conversationIds) {
      const conversation = conversationView(sql, conversationId, isTyping)
      if (conversation !== null) tell({ kind: 'conversation', conversation })
    }
    if (this.#connection) {
      this.#connection = false
      tell({ kind: 'connection', connection: this.#parts.connection() })
    }
  }

  /** Forgets what has not been told: the vault is about to be closed. */
  stop(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled)
    this.#scheduled = null
  }

  #schedule(): void {
    // What comes alone is told at once; what comes in a burst is collected.
    const wait = Math.max(0, this.#toldAt + collectMs - performance.now())
    this.#scheduled ??= setTimeout(() => {
      this.#scheduled = null
      this.flush()
    }, wait)
  }
}
