import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A blind permit: pays for one envelope to somebody whose profile key is not known. */
export interface Permit {
  readonly permit: Bytes
  /** ms since the epoch, by the relay's clock, as is every `now` here. */
  readonly expiresAt: number
}

export function addPermits(tx: Tx, permits: readonly Permit[]): void {
  for (const { permit, expiresAt } of permits) {
    tx.run('INSERT INTO permit (permit, expires_at) VALUES (?, ?)', [permit, expiresAt])
  }
}

/** The one that expires first, taken out: a permit pays once, even where the sending fails. Null when none is left. */
export function takePermit(tx: Tx, now: number): Bytes | null {
  const row = tx.get<{ id: number; permit: Bytes }>(
    'SELECT id, permit FROM permit WHERE expires_at > ? ORDER BY expires_at, id LIMIT 1',
    [now],
  )
  if (row === null) return null
  tx.run('DELETE FROM permit WHERE id = ?', [row.id])
  return row.permit
}

export function countPermits(sql: Sql, now: number): number {
  return sql.get<{ n: number }>('SELECT count(*) AS n FROM permit WHERE expires_at > ?', [now])?.n ?? 0
}

export function dropExpiredPermits(tx: Tx, now: number): void {
  tx.run('DELETE FROM permit WHERE expires_at <= ?', [now])
}
