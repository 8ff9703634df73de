import type { Bytes } from '../../base/bytes.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** The profile key with which one writes to an account anonymously; null when it was never told. */
export function readPersonKey(sql: Sql, accountId: string): Bytes | null {
  return (
    sql.get<{ profile_key: Bytes }>('SELECT profile_key FROM person_key WHERE account_id = ?', [accountId])
      ?.profile_key ?? null
  )
}

/** `updatedAt`: when its owner told it, ms. An older telling than the one known changes nothing; true when it is newer. */
export function writePersonKey(tx: Tx, accountId: string, profileKey: Bytes, updatedAt: number): boolean {
  const { changes } = tx.run(
    `INSERT INTO person_key (account_id, profile_key, updated_at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET profile_key = excluded.profile_key, updated_at = excluded.updated_at
       WHERE updated_at < excluded.updated_at`,
    [accountId, profileKey, updatedAt],
  )
  return changes === 1
}

/** The relay refuses it: its owner has another one by now. */
export function forgetPersonKey(tx: Tx, accountId: string): void {
  tx.run('DELETE FROM person_key WHERE account_id = ?', [accountId])
}
