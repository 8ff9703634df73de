import type { Allowance } from '../../budgets/table.ts'
import type { SlotCount } from '../../budgets/window.ts'
import type { BudgetAmount, BudgetStore } from '../budgetStore.ts'
import { actWriter } from './pgActs.ts'
import type { Database } from './database.ts'
import { list, statement } from './statement.ts'

const accountOf = '(SELECT id FROM accounts WHERE account_id = $1)'

const readCounts = statement<SlotCount>(
  `SELECT device_id AS "deviceId", slot, used FROM budget_counts
   WHERE account = ${accountOf} AND budget = $2 AND slot >= $3 ORDER BY device_id, slot`,
)
const readSetting = statement<Allowance>(
  `SELECT soft, hard FROM budget_settings WHERE account = ${accountOf} AND budget = $2 AND until > $3`,
)
/** In one order, so that processes do not wait for each other in a circle. */
const addCounts = statement(
  `INSERT INTO budget_counts (account, budget, device_id, slot, used)
   SELECT a.id, u.budget, u.device_id, u.slot, u.used
   FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::bigint[])
     AS u (account_id, budget, device_id, slot, used)
   JOIN accounts a ON a.account_id = u.account_id ORDER BY 1, 2, 3, 4
   ON CONFLICT (account, budget, device_id, slot) DO UPDATE SET used = budget_counts.used + excluded.used`,
)
/** After the account was locked: what others took before is seen. */
const takeCount = statement<{ readonly used: number }>(
  `INSERT INTO budget_counts (account, budget, device_id, slot, used)
   SELECT a.id, $2, $3, $4, $5::bigint FROM accounts a, LATERAL (
     SELECT coalesce(sum(used), 0) AS account, coalesce(sum(used) FILTER (WHERE device_id = $3), 0) AS device
     FROM budget_counts WHERE account = a.id AND budget = $2 AND slot >= $6
   ) b
   WHERE a.account_id = $1 AND b.account + $5::bigint <= $7::bigint
     AND ($8::bigint IS NULL OR b.device + $5::bigint <= $8::bigint)
   ON CONFLICT (account, budget, device_id, slot) DO UPDATE SET used = budget_counts.used + excluded.used
   RETURNING used`,
)
const forgetCounts = statement('DELETE FROM budget_counts WHERE budget = $1 AND slot < $2')
const forgetSettings = statement('DELETE FROM budget_settings WHERE until <= $1')
const lockKnown = statement<{ readonly id: number }>(
  'SELECT id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE',
)
const writeSetting = statement(
  `INSERT INTO budget_settings (account, budget, soft, hard, until) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (account, budget) DO UPDATE SET soft = excluded.soft, hard = excluded.hard, until = excluded.until`,
)
const resets = ['budget_counts', 'budget_settings'].map((table) =>
  statement(`DELETE FROM ${table} WHERE account = $1 AND budget = $2`),
)

export function pgBudgets(db: Database): BudgetStore {
  return {
    read: async (accountId, budget, since, now) => {
      const [counts, [set]] = await Promise.all([
        db.rows(readCounts, accountId, budget, since),
        db.rows(readSetting, accountId, budget, now),
      ])
      return { counts, set: set ?? null }
    },
    add: async (amounts) => {
      if (amounts.length > 0) await db.rows(addCounts, ...columnsOf(amounts))
    },
    take: async ({ accountId, budget, deviceId, slot, used }, since, { account, device }) =>
      db.atomically(async (tx) => {
        const [known, taken] = await Promise.all([
          tx.rows(lockKnown, accountId),
          tx.rows(takeCount, accountId, budget, deviceId, slot, used, since, account, device),
          tx.commit(),
        ])
        return known.length === 0 || taken.length > 0
      }),
    forget: async (budget, before, now) => {
      await db.rows(forgetCounts, budget, before)
      await db.rows(forgetSettings, now)
    },
    allow: async ({ accountId, budget, allowance, until }, reason, context) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockKnown, accountId)
        if (account === undefined) return false
        tx.send(writeSetting, account.id, budget, allowance.soft, allowance.hard, until)
        const detail = `${budget} ${allowance.hard}: ${reason}`
        ;(await actWriter(tx)).write({ type: 'budget.allowed', account: accountId, detail }, context)
        return true
      }),
    reset: async (accountId, budget, reason, context) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockKnown, accountId)
        if (account === undefined) return false
        for (const reset of resets) tx.send(reset, account.id, budget)
        const detail = `${budget}: ${reason}`
        ;(await actWriter(tx)).write({ type: 'budget.reset', account: accountId, detail }, context)
        return true
      }),
  }
}

/** Ids, names and numbers: none of them has to be quoted. */
function columnsOf(amounts: readonly BudgetAmount[]): string[] {
  return [
    list(amounts.map(({ accountId }) => accountId)),
    list(amounts.map(({ budget }) => budget)),
    list(amounts.map(({ deviceId }) => deviceId)),
    list(amounts.map(({ slot }) => slot)),
    list(amounts.map(({ used }) => used)),
  ]
}
