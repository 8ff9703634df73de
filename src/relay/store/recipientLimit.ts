export const hourMs = 3_600_000

interface Hour {
  readonly began: number
  puts: number
}

/** What permits brought to an account within an hour. In memory: a restart forgives an hour at most. */
export class RecipientLimit {
  readonly #putsPerHour: number
  readonly #hours = new Map<number, Hour>()

  constructor(putsPerHour: number) {
    this.#putsPerHour = putsPerHour
  }

  /** 0: one more may come. Otherwise the milliseconds until one may. */
  wait(account: number, now: number): number {
    const hour = this.#hourOf(account, now)
    return hour === null || hour.puts < this.#putsPerHour ? 0 : hour.began + hourMs - now
  }

  count(account: number, now: number): void {
    const hour = this.#hourOf(account, now)
    if (hour === null) this.#hours.set(account, { began: now, puts: 1 })
    else hour.puts += 1
  }

  /** What was counted is not stored: nothing is held against anybody. */
  forget(): void {
    this.#hours.clear()
  }

  #hourOf(account: number, now: number): Hour | null {
    const hour = this.#hours.get(account)
    return hour === undefined || now - hour.began >= hourMs || now < hour.began ? null : hour
  }
}
