import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/**
 * `lastReceivedAt`: the relay's reception time of the newest envelope taken in, ms. `nextKeyId`: the id of the next
 * prekey that is made. `policyHash`: of the policy that the journal named last. `accountSettings`: what all devices of
 * the account share, as JSON. `permitsDrawnAt`: when permits were drawn last, ms. `replaceKeys`: `1` while the
 * published prekeys are to be replaced. `publishAccessKey`: `1` while the relay has not been told the access key.
 * `replacingIdentity`: the replacement of the account's key that was decided on here, as JSON. `adoptIdentity`: identity
 * key pairs that other devices handed over, as JSON. `previousIdentities`: those that were replaced lately, as JSON.
 * `deviceComing`: as JSON, a device that the list may not name yet. `retiredUntil`: sessions retired before this moment have been removed, ms.
 */
export type SettingName =
  | 'accountSettings'
  | 'accountKeysAt'
  | 'adoptIdentity'
  | 'appearance'
  | 'deviceComing'
  | 'lastReceivedAt'
  | 'nextKeyId'
  | 'permitsDrawnAt'
  | 'policyHash'
  | 'publishAccessKey'
  | 'previousIdentities'
  | 'replacingIdentity'
  | 'replaceKeys'
  | 'retiredUntil'

export function readSetting(sql: Sql, name: SettingName): string | null {
  return sql.get<{ value: string }>('SELECT value FROM setting WHERE name = ?', [name])?.value ?? null
}

export function writeSetting(tx: Tx, name: SettingName, value: string): void {
  tx.run('INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', [
    name,
    value,
  ])
}

export function forgetSetting(tx: Tx, name: SettingName): void {
  tx.run('DELETE FROM setting WHERE name = ?', [name])
}
