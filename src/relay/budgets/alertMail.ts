import { spawn } from 'node:child_process'
import type { Clock } from '../../base/clock.ts'
import { reportOf } from '../../base/errors.ts'
import type { RelayCounters } from '../counters.ts'
import type { RelayLog } from '../log.ts'
import type { Alert, AlertStore } from '../store/alertStore.ts'
import { engineCode } from '../store/engineCode.ts'

export interface AlertMailDeps {
  readonly store: AlertStore
  /** A program and its arguments, run without a shell. It gets a message on standard input; 0 says that it took it. */
  readonly command: readonly [string, ...string[]]
  readonly message: (alerts: readonly Alert[]) => string
  readonly clock: Clock
  readonly log: RelayLog
  readonly counters: RelayCounters
  readonly times?: Partial<AlertMailTimes>
}

/** Milliseconds. */
export interface AlertMailTimes {
  /** Between two messages; what comes meanwhile goes into one. */
  readonly everyMs: number
  /** For the program. */
  readonly runMs: number
  /** After which alerts that no program took are tried again, by whichever process. */
  readonly leaseMs: number
}

const usualTimes: AlertMailTimes = { everyMs: 60_000, runMs: 30_000, leaseMs: 300_000 }
const alertsOfMessage = 100

/** Hands alerts to the configured program. They wait in the store, so that a restart loses none. */
export class AlertMail {
  readonly #deps: AlertMailDeps
  readonly #times: AlertMailTimes
  readonly #end = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #startedAt = -Infinity
  #running: Promise<void> = Promise.resolve()

  constructor(deps: AlertMailDeps) {
    this.#deps = deps
    this.#times = { ...usualTimes, ...deps.times }
  }

  /** There may be some to send. */
  wake(): void {
    this.#after(Math.max(0, this.#startedAt + this.#times.everyMs - performance.now()))
  }

  /** Ends a program that runs; its alerts are for whoever comes next. */
  async stop(): Promise<void> {
    this.#end.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
  }

  #after(ms: number): void {
    if (this.#timer !== null || this.#end.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#startedAt = performance.now()
      this.#running = this.#send().finally(() => (this.#timer = null))
    }, ms).unref()
  }

  async #send(): Promise<void> {
    const { store, clock, log } = this.#deps
    let againMs = this.#times.leaseMs
    try {
      const alerts = await store.claim(clock.now(), this.#times.leaseMs, alertsOfMessage)
      // What an earlier run or another process has claimed comes back unless that one sends it.
      if (alerts.length === 0 && !(await store.waits())) return
      if (alerts.length > 0 && (await this.#handedOver(alerts))) againMs = this.#times.everyMs
    } catch (thrown) {
      log.error('alerts not mailed', { error: reportOf(thrown).code, engine: engineCode(thrown) })
    }
    // More than one message holds, or these again once their lease has ended.
    setTimeout(() => this.wake(), againMs).unref()
  }

  async #handedOver(alerts: readonly Alert[]): Promise<boolean> {
    const { store, log, counters, message } = this.#deps
    const ids = alerts.map(({ id }) => id)
    if (await this.#run(message(alerts))) {
      await store.mailed(ids)
      counters.count('alertsMailed', alerts.length)
      return true
    }
    counters.count('alertsNotMailed', alerts.length)
    log.error('alerts not mailed')
    if (this.#end.signal.aborted) await store.release(ids)
    return false
  }

  async #run(message: string): Promise<boolean> {
    const [program, ...args] = this.#deps.command
    return new Promise((resolve) => {
      const child = spawn(program, args, {
        shell: false,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: { PATH: process.env['PATH'] },
        timeout: this.#times.runMs,
        killSignal: 'SIGKILL',
        signal: this.#end.signal,
      })
      child.on('error', () => resolve(false))
      child.on('close', (exitCode) => resolve(exitCode === 0))
      // A program that does not read its input ends without it.
      child.stdin.on('error', () => undefined)
      child.stdin.end(message)
    })
  }
}
