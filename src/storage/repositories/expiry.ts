import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A message whose time is over; `deleteMessages` removes it. */
export interface ExpiredMessage {
  readonly position: number
  readonly conversationId: string
}

/** A message whose timer runs. `expiresAt`: ms since the epoch. */
export interface RunningTimer {
  readonly position: number
  readonly timerSeconds: number
  readonly expiresAt: number
}

export const expiryQueries = {
  due: `SELECT position, conversation_id AS conversationId FROM message
    WHERE expires_at <= ? ORDER BY expires_at, position LIMIT ?`,
  running: `SELECT position, timer_seconds AS timerSeconds, expires_at AS expiresAt FROM message
    WHERE expires_at IS NOT NULL`,
  next: 'SELECT min(expires_at) AS at FROM message WHERE expires_at IS NOT NULL',
} as const

/** At most `limit`, the earliest first. */
export function dueExpired(sql: Sql, now: number, limit: number): ExpiredMessage[] {
  return sql.all<{ position: number; conversationId: string }>(expiryQueries.due, [now, limit])
}

/** When the next message disappears, ms; null when none will. */
export function nextExpiry(sql: Sql): number | null {
  return sql.get<{ at: number | null }>(expiryQueries.next)?.at ?? null
}

export function runningTimers(sql: Sql): RunningTimer[] {
  return sql.all<{ position: number; timerSeconds: number; expiresAt: number }>(expiryQueries.running)
}

export function setExpiry(tx: Tx, position: number, expiresAt: number): void {
  tx.run('UPDATE message SET expires_at = ? WHERE position = ?', [expiresAt, position])
}
