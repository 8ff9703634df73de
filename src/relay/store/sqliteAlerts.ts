import { uuidBytes, uuidText } from './accountRows.ts'
import { raisedAct } from './alertActs.ts'
import type { Alert, AlertStore } from './alertStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

type AlertRow = Omit<Alert, 'accountId' | 'limit'> & {
  readonly account: Uint8Array
  readonly allowed: number
}

const columns = `al.id, al.at, ac.account_id AS account, al.device_id AS deviceId, al.budget, al.kind, al.level, al.used,
  al.allowed, al.acknowledged_at AS acknowledgedAt, al.reason`

export function sqliteAlerts(db: SqliteDatabase, write: ActWriter): AlertStore {
  const raise = db.prepare(
    `INSERT OR IGNORE INTO alerts (at, account, device_id, budget, kind, level, used, allowed, period)
     SELECT ?, id, ?, ?, ?, ?, ?, ?, ? FROM accounts WHERE account_id = ?`,
  )
  const list = db.prepare<[number, number], AlertRow>(
    `SELECT ${columns} FROM alerts al JOIN accounts ac ON ac.id = al.account
     WHERE al.acknowledged_at IS NULL OR ? = 0 ORDER BY al.id DESC LIMIT ?`,
  )
  const acknowledge = db.prepare<[number, string, number | null, number | null]>(
    'UPDATE alerts SET acknowledged_at = ?, reason = ? WHERE acknowledged_at IS NULL AND (? IS NULL OR id = ?)',
  )
  const waiting = db.prepare<[number, number], AlertRow>(
    `SELECT ${columns} FROM alerts al JOIN accounts ac ON ac.id = al.account
     WHERE al.mailed = 0 AND (al.claimed_at IS NULL OR al.claimed_at <= ?) ORDER BY al.id LIMIT ?`,
  )
  const claim = db.prepare<[number, number]>('UPDATE alerts SET claimed_at = ? WHERE id = ?')
  const mailed = db.prepare<[number]>('UPDATE alerts SET mailed = 1 WHERE id = ?')
  const unsent = db.prepare('SELECT 1 FROM alerts WHERE mailed = 0 LIMIT 1')
  const release = db.prepare<[number]>('UPDATE alerts SET claimed_at = NULL WHERE id = ? AND mailed = 0')
  const forget = db.prepare<[number]>('DELETE FROM alerts WHERE at < ?')
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  return {
    raise: async (alert) =>
      inTransaction(() => {
        const { at, deviceId, budget, kind, level, used, limit, period, accountId } = alert
        const values = [at, deviceId, budget, kind, level, used, limit, period, uuidBytes(accountId)]
        if (raise.run(...values).changes === 0) return false
        write(...raisedAct(alert))
        return true
      }),
    list: async ({ openOnly, limit }) => orUnavailable(() => list.all(openOnly ? 1 : 0, limit).map(alertOf)),
    acknowledge: async (id, reason, context) =>
      inTransaction(() => {
        const { changes } = acknowledge.run(context.now, reason, id, id)
        if (changes > 0) write({ type: 'alert.acknowledged', detail: `${id ?? changes}: ${reason}` }, context)
        return changes
      }),
    claim: async (now, leaseMs, limit) =>
      inTransaction(() => {
        const rows = waiting.all(now - leaseMs, limit)
        for (const { id } of rows) claim.run(now, id)
        return rows.map(alertOf)
      }),
    waits: async () => orUnavailable(() => unsent.get() !== undefined),
    mailed: async (ids) => inTransaction(() => ids.forEach((id) => mailed.run(id))),
    release: async (ids) => inTransaction(() => ids.forEach((id) => release.run(id))),
    forget: async (before) => {
      orUnavailable(() => forget.run(before))
    },
  }
}

function alertOf({ account, allowed, ...row }: AlertRow): Alert {
  return { ...row, accountId: uuidText(account), limit: allowed }
}
