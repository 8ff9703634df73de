import type { Transaction } from './database.ts'
import { statement } from './statement.ts'

const setListed = statement<{ readonly search_text: string }>(
  `UPDATE accounts SET listed = (enrolled_at IS NOT NULL AND NOT hidden AND disabled_at IS NULL) WHERE id = $1
   RETURNING CASE WHEN enrolled_at IS NOT NULL AND NOT hidden AND disabled_at IS NULL THEN search_text ELSE '' END
             AS search_text`,
)
const unlist = statement('DELETE FROM words WHERE account = $1')
const insertWord = statement('INSERT INTO words (word, account) VALUES ($1, $2)')

/** Within a transaction that has locked the account, after any change of it: shows it as it is now, or not at all. */
export async function relist(tx: Transaction, account: number): Promise<void> {
  tx.send(unlist, account)
  const [row] = await tx.rows(setListed, account)
  for (const word of new Set(row?.search_text.trim().split(' '))) {
    if (word !== '') tx.send(insertWord, word, account)
  }
}
