import { raisedAct } from '../alertActs.ts'
import type { Alert, AlertStore } from '../alertStore.ts'
import { actWriter } from './pgActs.ts'
import type { Database } from './database.ts'
import { list, statement } from './statement.ts'

type AlertRow = Omit<Alert, 'limit'> & { readonly allowed: number }

const columns = `al.id, al.at, ac.account_id AS "accountId", al.device_id AS "deviceId", al.budget, al.kind, al.level,
  al.used, al.allowed, al.acknowledged_at AS "acknowledgedAt", al.reason`

const insert = statement<{ readonly id: number }>(
  `INSERT INTO alerts (at, account, device_id, budget, kind, level, used, allowed, period)
   SELECT $1, id, $2, $3, $4, $5, $6, $7, $8 FROM accounts WHERE account_id = $9
   ON CONFLICT DO NOTHING RETURNING id`,
)
const newest = statement<AlertRow>(
  `SELECT ${columns} FROM alerts al JOIN accounts ac ON ac.id = al.account
   WHERE al.acknowledged_at IS NULL OR NOT $1::boolean ORDER BY al.id DESC LIMIT $2`,
)
const setAcknowledged = statement<{ readonly id: number }>(
  `UPDATE alerts SET acknowledged_at = $1, reason = $2
   WHERE acknowledged_at IS NULL AND ($3::bigint IS NULL OR id = $3) RETURNING id`,
)
/** Those that another process claims in this moment are its. */
const claimSome = statement<AlertRow>(
  `WITH al AS (
     UPDATE alerts SET claimed_at = $1 WHERE id IN (
       SELECT id FROM alerts WHERE NOT mailed AND (claimed_at IS NULL OR claimed_at <= $2)
       ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
     ) RETURNING *
   ) SELECT ${columns} FROM al JOIN accounts ac ON ac.id = al.account ORDER BY al.id`,
)
const setMailed = statement('UPDATE alerts SET mailed = true WHERE id = ANY ($1::bigint[])')
const oneUnsent = statement('SELECT 1 FROM alerts WHERE NOT mailed LIMIT 1')
const setReleased = statement(
  'UPDATE alerts SET claimed_at = NULL WHERE id = ANY ($1::bigint[]) AND NOT mailed',
)
const forgetOld = statement('DELETE FROM alerts WHERE at < $1')

export function pgAlerts(db: Database): AlertStore {
  return {
    raise: async (alert) =>
      db.atomically(async (tx) => {
        const { at, deviceId, budget, kind, level, used, limit, period, accountId } = alert
        const values = [at, deviceId, budget, kind, level, used, limit, period, accountId]
        if ((await tx.rows(insert, ...values)).length === 0) return false
        ;(await actWriter(tx)).write(...raisedAct(alert))
        return true
      }),
    list: async ({ openOnly, limit }) => (await db.rows(newest, openOnly, limit)).map(alertOf),
    acknowledge: async (id, reason, context) =>
      db.atomically(async (tx) => {
        const { length } = await tx.rows(setAcknowledged, context.now, reason, id)
        if (length === 0) return 0
        const detail = `${id ?? length}: ${reason}`
        ;(await actWriter(tx)).write({ type: 'alert.acknowledged', detail }, context)
        return length
      }),
    claim: async (now, leaseMs, limit) => (await db.rows(claimSome, now, now - leaseMs, limit)).map(alertOf),
    waits: async () => (await db.rows(oneUnsent)).length > 0,
    mailed: async (ids) => {
      await db.rows(setMailed, list(ids))
    },
    release: async (ids) => {
      await db.rows(setReleased, list(ids))
    },
    forget: async (before) => {
      await db.rows(forgetOld, before)
    },
  }
}

function alertOf({ allowed, ...row }: AlertRow): Alert {
  return { ...row, limit: allowed }
}
