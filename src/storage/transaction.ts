import type { Connection } from './binding.ts'

/**
 * Ends a failed transaction. Never throws: after a full disk or an I/O error SQLite may have rolled back by itself
 * (https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"), and the first error is
 * the one to tell.
 */
export function rollBack(connection: Connection): void {
  try {
    connection.exec('ROLLBACK')
  } catch {
    // No transaction is left.
  }
}
