import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { uuidBytes } from './accountRows.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { PermitStore, SpendablePermit } from './store.ts'

const dayMs = 24 * 3_600_000
const sweepMs = 3_600_000

/** How many permits an account has drawn on a day. SECURITY 9: a number, nothing of the permits themselves. */
export function sqlitePermits(db: SqliteDatabase, spent: SpentPermits, permitsPerDay: number): PermitStore {
  const read = db.prepare<[Uint8Array], { permits_day: number; permits_drawn: number }>(
    'SELECT permits_day, permits_drawn FROM accounts WHERE account_id = ?',
  )
  const write = db.prepare<[number, number, Uint8Array]>(
    'UPDATE accounts SET permits_day = ?, permits_drawn = ? WHERE account_id = ?',
  )
  const draw = (account: Uint8Array, count: number, now: number, perDay: number): { left: number } | null => {
    const row = read.get(account)
    if (row === undefined) throw new CodedError('relay.deviceGone')
    const today = now - (now % dayMs)
    // A clock that was put back does not open the day anew.
    const [day, before] = row.permits_day >= today ? [row.permits_day, row.permits_drawn] : [today, 0]
    const drawn = before + count
    if (drawn > perDay) return null
    write.run(day, drawn, account)
    return { left: perDay - drawn }
  }
  return {
    draw: async (accountId, count, now, perDay = permitsPerDay) =>
      orUnavailable(() => db.transaction(() => draw(uuidBytes(accountId), count, now, perDay)).immediate()),
    isSpent: async (permit) => orUnavailable(() => spent.find(permit) !== null),
  }
}

export interface SpentPermit {
  /** Null when it paid for a bundle. */
  readonly putHash: Uint8Array | null
}

/** The permits that were used, until nobody would take them any more. Works within the caller's transaction. */
export class SpentPermits {
  readonly #find
  readonly #insert
  readonly #sweep
  #sweptAt = 0

  constructor(db: SqliteDatabase) {
    this.#find = db.prepare<[Bytes], SpentPermit>(
      'SELECT put_hash AS putHash FROM spent_permits WHERE spend_id = ?',
    )
    this.#insert = db.prepare<[Bytes, number, Bytes | null]>('INSERT INTO spent_permits VALUES (?, ?, ?)')
    this.#sweep = db.prepare<[number]>('DELETE FROM spent_permits WHERE expires_at < ?')
  }

  find(permit: SpendablePermit): SpentPermit | null {
    return this.#find.get(permit.spendId) ?? null
  }

  spend(permit: SpendablePermit, putHash: Bytes | null, now: number): void {
    this.#insert.run(permit.spendId, permit.expiresAt, putHash)
    if (Math.abs(now - this.#sweptAt) < sweepMs) return
    this.#sweptAt = now
    // A day longer than needed: a clock that is corrected must not make one good again.
    this.#sweep.run(now - dayMs)
  }
}
