import type { Clock } from '../../base/clock.ts'
import type { Alert, Change } from '../../contract/index.ts'
import { addAlert, dismissAlert, readAlerts } from '../../storage/repositories/alerts.ts'
import type { Tx, Vault } from '../../storage/vault.ts'

/** What a person has to be told of their account until they have read it. */
export class Alerts {
  readonly #vault: Vault
  readonly #clock: Clock
  readonly #tell: (change: Change) => void

  constructor(vault: Vault, clock: Clock, tell: (change: Change) => void) {
    this.#vault = vault
    this.#clock = clock
    this.#tell = tell
  }

  all(): Alert[] {
    return readAlerts(this.#vault.sql)
  }

  /** `deviceName`: of the device meant, or empty. Call `tell` after the commit. */
  add(tx: Tx, kind: Alert['kind'], deviceName = ''): void {
    addAlert(tx, { kind, deviceName, at: this.#clock.now() })
  }

  /** An alert by itself, told at once. */
  raise(kind: Alert['kind']): void {
    this.#vault.transaction((tx) => this.add(tx, kind))
    this.tell()
  }

  dismiss(alertId: number): void {
    this.#vault.transaction((tx) => dismissAlert(tx, alertId))
    this.tell()
  }

  tell(): void {
    this.#tell({ kind: 'alerts', alerts: this.all() })
  }
}
