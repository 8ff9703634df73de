import type { Allowance } from '../budgets/table.ts'
import { sumOf, type SlotCount } from '../budgets/window.ts'
import { uuidBytes } from './accountRows.ts'
import type { BudgetAmount, BudgetSetting, BudgetStore } from './budgetStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

const accountOf = '(SELECT id FROM accounts WHERE account_id = ?)'

export function sqliteBudgets(db: SqliteDatabase, write: ActWriter): BudgetStore {
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  const counts = db.prepare<[Uint8Array, string, number], SlotCount>(
    `SELECT device_id AS deviceId, slot, used FROM budget_counts
     WHERE account = ${accountOf} AND budget = ? AND slot >= ? ORDER BY device_id, slot`,
  )
  const setting = db.prepare<[Uint8Array, string, number], Allowance>(
    `SELECT soft, hard FROM budget_settings WHERE account = ${accountOf} AND budget = ? AND until > ?`,
  )
  const forgetCounts = db.prepare<[string, number]>('DELETE FROM budget_counts WHERE budget = ? AND slot < ?')
  const forgetSettings = db.prepare<[number]>('DELETE FROM budget_settings WHERE until <= ?')
  const resets = ['budget_counts', 'budget_settings'].map((table) =>
    db.prepare<[number, string]>(`DELETE FROM ${table} WHERE account = ? AND budget = ?`),
  )
  const known = db.prepare<[Uint8Array], { id: number }>('SELECT id FROM accounts WHERE account_id = ?')
  const add = adder(db)
  const allow = allower(db)
  return {
    read: async (accountId, budget, since, now) =>
      orUnavailable(() => {
        const account = uuidBytes(accountId)
        return {
          counts: counts.all(account, budget, since),
          set: setting.get(account, budget, now) ?? null,
        }
      }),
    add: async (amounts) => inTransaction(() => amounts.forEach(add)),
    take: async (amount, since, limits) =>
      inTransaction(() => {
        const { accountId, budget, deviceId, used } = amount
        const before = counts.all(uuidBytes(accountId), budget, since)
        const own = before.filter((count) => count.deviceId === deviceId)
        if (sumOf(before) + used > limits.account) return false
        if (limits.device !== null && sumOf(own) + used > limits.device) return false
        add(amount)
        return true
      }),
    forget: async (budget, before, now) =>
      inTransaction(() => {
        forgetCounts.run(budget, before)
        forgetSettings.run(now)
      }),
    allow: async (setting, reason, context) =>
      inTransaction(() => {
        const { accountId, budget, allowance } = setting
        if (!allow(setting)) return false
        const detail = `${budget} ${allowance.hard}: ${reason}`
        write({ type: 'budget.allowed', account: accountId, detail }, context)
        return true
      }),
    reset: async (accountId, budget, reason, context) =>
      inTransaction(() => {
        const account = known.get(uuidBytes(accountId))
        if (account === undefined) return false
        for (const reset of resets) reset.run(account.id, budget)
        write({ type: 'budget.reset', account: accountId, detail: `${budget}: ${reason}` }, context)
        return true
      }),
  }
}

function adder(db: SqliteDatabase): (amount: BudgetAmount) => void {
  const statement = db.prepare<[string, number, number, number, Uint8Array]>(
    `INSERT INTO budget_counts (account, budget, device_id, slot, used)
     SELECT id, ?, ?, ?, ? FROM accounts WHERE account_id = ?
     ON CONFLICT DO UPDATE SET used = used + excluded.used`,
  )
  return ({ accountId, budget, deviceId, slot, used }) => {
    statement.run(budget, deviceId, slot, used, uuidBytes(accountId))
  }
}

function allower(db: SqliteDatabase): (setting: BudgetSetting) => boolean {
  const statement = db.prepare<[string, number, number, number, Uint8Array]>(
    `INSERT INTO budget_settings (account, budget, soft, hard, until)
     SELECT id, ?, ?, ?, ? FROM accounts WHERE account_id = ?
     ON CONFLICT DO UPDATE SET soft = excluded.soft, hard = excluded.hard, until = excluded.until`,
  )
  return ({ accountId, budget, allowance, until }) =>
    statement.run(budget, allowance.soft, allowance.hard, until, uuidBytes(accountId)).changes > 0
}
