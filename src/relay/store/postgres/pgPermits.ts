import { toHex } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import type { PermitStore, SpendablePermit } from '../store.ts'
import type { Database, Transaction } from './database.ts'
import { list, statement, type Statement } from './statement.ts'

const dayMs = 24 * 3_600_000

interface DrawnRow {
  readonly id: number
  readonly permits_day: number
  readonly permits_drawn: number
}

const lockDrawn = statement<DrawnRow>(
  'SELECT id, permits_day, permits_drawn FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE',
)
const writeDrawn = statement('UPDATE accounts SET permits_day = $1, permits_drawn = $2 WHERE id = $3')

/** How many permits an account has drawn on a day. SECURITY 9: a number, nothing of the permits themselves. */
export function pgPermits(db: Database, permitsPerDay: number): PermitStore {
  return {
    draw: async (accountId, count, now, perDay = permitsPerDay) =>
      db.atomically(async (tx) => {
        const [row] = await tx.rows(lockDrawn, accountId)
        if (row === undefined) throw new CodedError('relay.deviceGone')
        const today = now - (now % dayMs)
        // A clock that was put back does not open the day anew.
        const [day, before] = row.permits_day >= today ? [row.permits_day, row.permits_drawn] : [today, 0]
        const drawn = before + count
        if (drawn > perDay) return null
        tx.send(writeDrawn, day, drawn, row.id)
        return { left: perDay - drawn }
      }),
    isSpent: async (permit) => (await findSpent(db, [permit])).size > 0,
  }
}

export interface PaidWith {
  readonly permit: SpendablePermit
  /** Null when it paid for a bundle. */
  readonly putHash: Uint8Array | null
}

interface SpentRow {
  readonly spend_id: Uint8Array
  readonly put_hash: Uint8Array | null
}

const readSpent: Statement<SpentRow> = statement(
  'SELECT spend_id, put_hash FROM spent_permits WHERE spend_id = ANY ($1::bytea[])',
)
const insertSpent = statement(
  'INSERT INTO spent_permits SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])',
)
/** A part at a time, and never one that another process is at. */
const sweep = statement(
  `DELETE FROM spent_permits WHERE spend_id IN
   (SELECT spend_id FROM spent_permits WHERE expires_at < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
)

/** What was put with those of the permits that were spent, by the hex of their ids. */
export async function findSpent(
  reader: Pick<Transaction, 'rows'>,
  permits: readonly SpendablePermit[],
): Promise<ReadonlyMap<string, Uint8Array | null>> {
  if (permits.length === 0) return new Map()
  const ids = permits.map(({ spendId }) => spendId)
  const rows = await reader.rows(readSpent, ids)
  return new Map(rows.map((row) => [toHex(row.spend_id), row.put_hash]))
}

/** One that another process spends in this moment makes the commit fail, and the transaction run anew. */
export function spend(tx: Transaction, paid: readonly PaidWith[], now: number): void {
  if (paid.length === 0) return
  const ids = paid.map(({ permit }) => permit.spendId)
  const ends = list(paid.map(({ permit }) => permit.expiresAt))
  const hashes = paid.map((one) => one.putHash)
  tx.send(insertSpent, ids, ends, hashes)
  // A day longer than needed: a clock that is corrected must not make one good again.
  tx.send(sweep, now - dayMs)
}
