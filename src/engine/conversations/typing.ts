/** A notice of somebody writing counts this long, in ms; they repeat it while they write. */
const noticeMs = 15_000

/** Who is writing just now. Lives in memory alone. */
export class Typing {
  readonly #until = new Map<string, NodeJS.Timeout>()
  readonly #changed: (conversationId: string) => void

  constructor(changed: (conversationId: string) => void) {
    this.#changed = changed
  }

  is(conversationId: string): boolean {
    return this.#until.has(conversationId)
  }

  set(conversationId: string, typing: boolean): void {
    const before = this.#until.get(conversationId)
    if (before !== undefined) clearTimeout(before)
    this.#until.delete(conversationId)
    if (typing) {
      const timer = setTimeout(() => this.set(conversationId, false), noticeMs)
      timer.unref()
      this.#until.set(conversationId, timer)
    }
    if ((before !== undefined) !== typing) this.#changed(conversationId)
  }

  stop(): void {
    for (const timer of this.#until.values()) clearTimeout(timer)
    this.#until.clear()
  }
}
