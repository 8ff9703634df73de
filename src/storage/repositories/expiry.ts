import type { Sql } from '../binding.ts'

/** A message whose time is over; `deleteMessages` removes it. */
export interface ExpiredMessage {
  readonly position: number
  readonly conversationId: string
}

export const expiryQueries = {
  due: `SELECT position, conversation_id AS conversationId FROM message
    WHERE expires_at <= ? ORDER BY expires_at, position LIMIT ?`,
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
