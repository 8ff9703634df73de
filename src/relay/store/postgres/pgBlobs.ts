import { sameBytes, toHex } from '../../../base/bytes.ts'
import { blobActHash } from '../blobAct.ts'
import type {
  BlobCheck,
  BlobIntent,
  BlobPutOutcome,
  BlobRead,
  BlobReadOutcome,
  BlobStore,
  NewBlob,
} from '../blobStore.ts'
import type { SpendablePermit } from '../store.ts'
import type { Database, Transaction } from './database.ts'
import { findSpent, spend } from './pgPermits.ts'
import { statement } from './statement.ts'

interface BlobRow {
  readonly file: string
  readonly size: number
  readonly content_hash: Uint8Array
  readonly reads_left: number
  readonly expires_at: number
}

/** One put at a time is measured against what there is: two do not pass the quota together. */
const oneAtATime = statement("SELECT pg_advisory_xact_lock(hashtext('valise blobs'))")
const find = statement<BlobRow>('SELECT * FROM blobs WHERE id = $1')
const lockOne = statement<BlobRow>('SELECT * FROM blobs WHERE id = $1 FOR UPDATE')
const insert = statement(
  `INSERT INTO blobs VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE
   SET file = $2, size = $3, content_hash = $4, reads_left = $5, expires_at = $6`,
)
const countRead = statement('UPDATE blobs SET reads_left = $1, expires_at = $2 WHERE id = $3')
const removeExpired = statement<{ readonly file: string }>(
  'DELETE FROM blobs WHERE expires_at <= $1 RETURNING file',
)
const allFiles = statement<{ readonly file: string }>('SELECT file FROM blobs')
const sumOfSizes = statement<{ readonly sum: number }>(
  'SELECT coalesce(sum(size), 0)::bigint AS sum FROM blobs',
)

export function pgBlobs(db: Database): BlobStore {
  const bytes = async (reader: Pick<Transaction, 'rows'>): Promise<number> =>
    (await reader.rows(sumOfSizes))[0]?.sum ?? 0
  const check = async ({ id, size, permit, now }: BlobIntent, room: number): Promise<BlobCheck> => {
    const [row] = await db.rows(find, id)
    const there = openOne(row, now) !== null
    // Its own put may have spent it: told apart once the bytes are here.
    if (!there && (await findSpent(db, [permit])).size > 0) return { kind: 'permitSpent' }
    return { kind: there || (await bytes(db)) + size <= room ? 'open' : 'full' }
  }
  const put = async (tx: Transaction, blob: NewBlob, room: number): Promise<BlobPutOutcome> => {
    const { id, size, contentHash, permit, now } = blob
    await tx.rows(oneAtATime)
    const [row] = await tx.rows(find, id)
    const there = openOne(row, now)
    if (there !== null) {
      const same = there.size === size && sameBytes(there.content_hash, contentHash)
      return same ? { kind: 'repeated', expiresAt: there.expires_at } : { kind: 'exists' }
    }
    if ((await findSpent(tx, [permit])).size > 0) return { kind: 'permitSpent' }
    if ((await bytes(tx)) + size > room) return { kind: 'full' }
    spend(tx, [{ permit, putHash: blobActHash('put', id) }], now)
    tx.send(insert, id, blob.file, size, contentHash, blob.reads, blob.expiresAt)
    return { kind: 'stored', replaced: row?.file ?? null }
  }
  return {
    put: async (blob, room) => db.atomically(async (tx) => put(tx, blob, room)),
    check,
    read: async (read) => db.atomically(async (tx) => readOne(tx, read)),
    expire: async (now) => (await db.rows(removeExpired, now)).map(({ file }) => file),
    files: async () => new Set((await db.rows(allFiles)).map(({ file }) => file)),
    bytes: async () => bytes(db),
  }
}

/** One that is there, and neither expired nor read as often as intended. */
function openOne(row: BlobRow | undefined, now: number): BlobRow | null {
  return row !== undefined && row.expires_at > now && row.reads_left > 0 ? row : null
}

async function readOne(tx: Transaction, { id, permit, now, graceMs }: BlobRead): Promise<BlobReadOutcome> {
  const [blob] = await tx.rows(lockOne, id)
  if (blob === undefined || blob.expires_at <= now) return { kind: 'unknown' }
  const { file, size } = blob
  const spent = await spentFor(tx, permit)
  if (spent !== undefined) {
    const same = spent !== null && sameBytes(spent, blobActHash('read', id))
    return same ? { kind: 'repeated', file, size } : { kind: 'permitSpent' }
  }
  if (blob.reads_left === 0) return { kind: 'unknown' }
  spend(tx, [{ permit, putHash: blobActHash('read', id) }], now)
  const left = blob.reads_left - 1
  tx.send(countRead, left, left === 0 ? Math.min(blob.expires_at, now + graceMs) : blob.expires_at, id)
  return { kind: 'read', file, size }
}

/** Undefined: it was not spent; null: on a bundle. */
async function spentFor(tx: Transaction, permit: SpendablePermit): Promise<Uint8Array | null | undefined> {
  return (await findSpent(tx, [permit])).get(toHex(permit.spendId))
}
