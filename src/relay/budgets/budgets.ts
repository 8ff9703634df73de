import type { Clock } from '../../base/clock.ts'
import { createRelayText, type Language } from '../../text/relay.ts'
import type { RelayCounters } from '../counters.ts'
import type { RelayLog } from '../log.ts'
import type { RelayStore } from '../store/store.ts'
import { AlertMail, type AlertMailTimes } from './alertMail.ts'
import { Alerts } from './alerts.ts'
import { alertMessage } from './alertText.ts'
import { BudgetLedger, type StepUpAsking } from './ledger.ts'
import { SeenEntries } from './seen.ts'
import type { AccountBudgets } from './table.ts'

export interface AlertMailOptions {
  /** A program and its arguments; it gets each message on standard input. */
  readonly command: readonly [string, ...string[]]
  readonly language: Language
  readonly times?: Partial<AlertMailTimes>
}

export interface BudgetsDeps {
  readonly store: Pick<RelayStore, 'budgets' | 'alerts'>
  readonly table: AccountBudgets
  readonly mail: AlertMailOptions | null
  readonly relayName: string
  readonly clock: Clock
  readonly log: RelayLog
  readonly counters: RelayCounters
  /** Left out: nobody has a second factor; a soft limit is told to the administrator, and the act goes on. */
  readonly stepUp?: StepUpAsking
}

/** What counts and refuses, and what tells of it. */
export interface RunningBudgets {
  readonly ledger: BudgetLedger
  readonly seen: SeenEntries
  /** Makes durable what was counted and told. */
  stop(): Promise<void>
}

export function startBudgets(deps: BudgetsDeps): RunningBudgets {
  const { store, table, clock, log } = deps
  const mail = mailOf(deps)
  const alerts = new Alerts({ ...deps, store: store.alerts, budgets: table, raised: () => mail?.wake() })
  const ledger = new BudgetLedger({
    store: store.budgets,
    budgets: table,
    clock,
    log,
    stepUp: deps.stepUp ?? (async () => 'none'),
    passed: (who, budget, verdict) => alerts.passed(who, budget, verdict),
  })
  // What an earlier run could not send.
  mail?.wake()
  return {
    ledger,
    seen: new SeenEntries(table.directory.windowMs),
    stop: async () => {
      await ledger.drain()
      await alerts.drain()
      await mail?.stop()
    },
  }
}

function mailOf({ mail, relayName, store, ...deps }: BudgetsDeps): AlertMail | null {
  if (mail === null) return null
  const text = createRelayText(mail.language)
  const { command, times = {} } = mail
  const message = (alerts: Parameters<typeof alertMessage>[0]): string =>
    alertMessage(alerts, relayName, text)
  return new AlertMail({ ...deps, store: store.alerts, command, times, message })
}
