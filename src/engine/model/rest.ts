import type { MessageView } from '../../contract/index.ts'
import { decide } from './person.ts'
import type { Station } from './station.ts'
import { judge, settle, type Account, type Shown, type Text, type Verdict } from './texts.ts'

/**
 * Without any progress for this long, which is longer than an engine waits for an answer, and in so many looks, it will
 * never come to rest: a slow machine looks less often.
 */
const patience = { ms: 45_000, looks: 100 }
/** However much goes on. */
const longestMs = 10 * 60_000
/**
 * A lane that rests is looked at again at the next connection: what a night would do. Each time a little later, since a
 * slow machine needs longer from one connection to what is sent on it.
 */
const nudge = { firstMs: 1_500, growth: 1.3, lastMs: 6_000 }
const lookMs = 20

/** Waits until nothing is on its way any more, deciding what a person has to decide, and then judges. */
export class Rest {
  readonly #accounts: readonly Account[]
  readonly #texts: ReadonlyMap<string, Text>
  /** It has been taken off its account. */
  readonly #leave: (station: Station) => void
  readonly #begun = performance.now()
  #nudgedAt = performance.now()
  #nudgeMs = nudge.firstMs
  #state = ''
  #since = performance.now()
  /** Since then. */
  #looks = 0

  constructor(
    accounts: readonly Account[],
    texts: ReadonlyMap<string, Text>,
    leave: (station: Station) => void,
  ) {
    this.#accounts = accounts
    this.#texts = texts
    this.#leave = leave
  }

  /** What is wrong, in words. */
  async come(): Promise<readonly string[]> {
    for (;;) {
      const busy = await this.#busy()
      const verdict = busy.length === 0 ? await this.#verdict() : null
      if (verdict !== null && (verdict.wrong.length > 0 || verdict.lacking.length === 0)) {
        if (verdict.wrong.length === 0) settle(this.#texts.values(), this.#accounts)
        return verdict.wrong
      }
      if (!this.#progresses(JSON.stringify(busy) + JSON.stringify(verdict))) {
        const { lacking, wrong } = verdict ?? (await this.#verdict())
        return [...busy, ...wrong, ...lacking, ...(await this.#quarantines())]
      }
      await new Promise((done) => setTimeout(done, lookMs))
    }
  }

  get #stations(): readonly Station[] {
    return this.#accounts.flatMap(({ stations }) => stations)
  }

  /** Who is not at rest, and why. */
  async #busy(): Promise<string[]> {
    const busy: string[] = []
    const nudges = performance.now() - this.#nudgedAt > this.#nudgeMs
    if (nudges) {
      this.#nudgedAt = performance.now()
      this.#nudgeMs = Math.min(this.#nudgeMs * nudge.growth, nudge.lastMs)
    }
    for (const station of this.#stations) {
      if (station.isGone) {
        this.#leave(station)
        busy.push(`${station.name} leaves`)
        continue
      }
      if (!station.online) {
        await station.ask('connection.retry', {})
        busy.push(`${station.name} is ${station.phase} and ${await station.connection()}`)
        continue
      }
      if (await decide(station)) busy.push(`${station.name} decides`)
      const jobs = await station.outbox()
      if (jobs.length === 0) continue
      busy.push(`${station.name} has ${jobs.length} jobs: ${jobs.slice(0, 3).join(' ')}`)
      if (nudges) station.wire.cut()
    }
    return busy
  }

  async #verdict(): Promise<Verdict> {
    const shown = new Map<Station, Shown>()
    for (const station of this.#stations) {
      const threads = new Map<string, readonly MessageView[]>()
      for (const { conversationId, held } of await station.conversations()) {
        threads.set(conversationId, await station.thread(conversationId))
        if (held > 0) return { lacking: [`${station.name} holds ${held}`], wrong: [] }
      }
      shown.set(station, threads)
    }
    return judge(this.#texts, this.#accounts, shown)
  }

  async #quarantines(): Promise<string[]> {
    const found: string[] = []
    for (const station of this.#stations) {
      const counts = new Map<string, number>()
      for (const why of await station.quarantine()) counts.set(why, (counts.get(why) ?? 0) + 1)
      for (const [why, count] of counts) found.push(`${station.name} quarantined ${count}: ${why}`)
    }
    return found
  }

  #progresses(state: string): boolean {
    if (performance.now() - this.#begun > longestMs) return false
    if (state !== this.#state) {
      this.#state = state
      this.#since = performance.now()
      this.#looks = 0
    }
    this.#looks += 1
    return performance.now() - this.#since < patience.ms || this.#looks < patience.looks
  }
}
