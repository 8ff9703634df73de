import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

export type AlertKind = 'deviceAdded' | 'deviceRemoved' | 'identityReplaced' | 'vaultCopied'

/** Something about this account that the person has to be told, until they have read it. */
export interface NewAlert {
  readonly kind: AlertKind
  /** Of the device meant; empty when there is none. */
  readonly deviceName: string
  /** ms since the epoch. */
  readonly at: number
}

export interface Alert extends NewAlert {
  readonly alertId: number
}

export function addAlert(tx: Tx, alert: NewAlert): number {
  return tx.run('INSERT INTO alert (kind, device_name, raised_at) VALUES (?, ?, ?)', [
    alert.kind,
    alert.deviceName,
    alert.at,
  ]).lastId
}

/** Oldest first. */
export function readAlerts(sql: Sql): Alert[] {
  return sql.all<{ [K in keyof Alert]: Alert[K] & SqlValue }>(
    'SELECT alert_id AS alertId, kind, device_name AS deviceName, raised_at AS at FROM alert ORDER BY alert_id',
  )
}

/** The person has read it; false when it is not there. */
export function dismissAlert(tx: Tx, alertId: number): boolean {
  return tx.run('DELETE FROM alert WHERE alert_id = ?', [alertId]).changes === 1
}
