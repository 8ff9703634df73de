import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

export type SettingName = 'appearance'

export function readSetting(sql: Sql, name: SettingName): string | null {
  return sql.get<{ value: string }>('SELECT value FROM setting WHERE name = ?', [name])?.value ?? null
}

export function writeSetting(tx: Tx, name: SettingName, value: string): void {
  tx.run('INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', [
    name,
    value,
  ])
}
