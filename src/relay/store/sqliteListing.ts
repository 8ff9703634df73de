import type { SqliteDatabase } from './sqliteOpen.ts'

/** Within the caller's transaction, after any change of an account: shows it in the directory as it is now, or not at all. */
export function relist(db: SqliteDatabase, account: number): void {
  unlist(db, account)
  db.prepare(
    'UPDATE accounts SET listed = (enrolled_at IS NOT NULL AND hidden = 0 AND disabled_at IS NULL) WHERE id = ?',
  ).run(account)
  db.prepare(
    'INSERT INTO directory (rowid, words) SELECT id, search_text FROM accounts WHERE id = ? AND listed = 1',
  ).run(account)
}

/** Within the caller's transaction, before an account goes. */
export function unlist(db: SqliteDatabase, account: number): void {
  db.prepare('DELETE FROM directory WHERE rowid = ?').run(account)
}
