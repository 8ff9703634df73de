import type { CodedError } from '../../base/errors.ts'

/** How long an answer may take, in ms; past it the connection is taken for dead. */
const answerMs = 30_000

interface Waiting<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** Promises that a connection keeps or breaks, but never leaves open. Answers of one kind come in the order of asking. */
export class Answers<T> {
  readonly #waiting: Waiting<T>[] = []
  readonly #overdue: () => void

  /** `overdue`: ends the connection. */
  constructor(overdue: () => void) {
    this.#overdue = overdue
  }

  async next(ask: () => void): Promise<T> {
    return await within(this.#overdue, (waiting) => {
      this.#waiting.push(waiting)
      ask()
    })
  }

  arrived(value: T): void {
    this.#waiting.shift()?.resolve(value)
  }

  abandon(error: CodedError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}

/** The same for answers that carry the number of what they answer. */
export class NumberedAnswers<T> {
  readonly #waiting = new Map<number, Waiting<T>>()
  readonly #overdue: () => void
  #next = 1

  constructor(overdue: () => void) {
    this.#overdue = overdue
  }

  async next(ask: (requestId: number) => void): Promise<T> {
    const requestId = this.#next
    this.#next = (requestId % 0xffff_ffff) + 1
    return await within(this.#overdue, (waiting) => {
      this.#waiting.set(requestId, waiting)
      ask(requestId)
    })
  }

  arrived(requestId: number, value: T): void {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    waiting?.resolve(value)
  }

  abandon(error: CodedError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

async function within<T>(overdue: () => void, start: (waiting: Waiting<T>) => void): Promise<T> {
  const timer = setTimeout(overdue, answerMs)
  try {
    return await new Promise<T>((resolve, reject) => start({ resolve, reject }))
  } finally {
    clearTimeout(timer)
  }
}
