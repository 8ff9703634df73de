import { sameBytes, type Bytes } from '../../base/bytes.ts'
import { blobActHash } from './blobAct.ts'
import type {
  BlobCheck,
  BlobIntent,
  BlobPutOutcome,
  BlobRead,
  BlobReadOutcome,
  BlobStore,
  NewBlob,
} from './blobStore.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { SpentPermits } from './sqlitePermits.ts'

interface BlobRow {
  readonly file: string
  readonly size: number
  readonly content_hash: Uint8Array
  readonly reads_left: number
  readonly expires_at: number
}

export function sqliteBlobs(db: SqliteDatabase, permits: SpentPermits): BlobStore {
  const blobs = new Blobs(db, permits)
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  return {
    put: async (blob, room) => inTransaction(() => blobs.put(blob, room)),
    check: async (put, room) => inTransaction(() => blobs.check(put, room)),
    read: async (read) => inTransaction(() => blobs.read(read)),
    expire: async (now) => inTransaction(() => blobs.expire(now)),
    files: async () => orUnavailable(() => blobs.files()),
    bytes: async () => orUnavailable(() => blobs.bytes()),
  }
}

/** One that is there, and neither expired nor read as often as intended. */
function openOne(row: BlobRow | undefined, now: number): BlobRow | null {
  return row !== undefined && row.expires_at > now && row.reads_left > 0 ? row : null
}

/** Within the caller's transaction. */
class Blobs {
  readonly #permits: SpentPermits
  readonly #find
  readonly #insert
  readonly #countRead
  readonly #expire
  readonly #files
  readonly #bytes

  constructor(db: SqliteDatabase, permits: SpentPermits) {
    this.#permits = permits
    this.#find = db.prepare<[Bytes], BlobRow>('SELECT * FROM blobs WHERE id = ?')
    this.#insert = db.prepare(
      `INSERT INTO blobs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET file = excluded.file, size = excluded.size, content_hash = excluded.content_hash,
           reads_left = excluded.reads_left, expires_at = excluded.expires_at`,
    )
    this.#countRead = db.prepare<[number, number, Bytes]>(
      'UPDATE blobs SET reads_left = ?, expires_at = ? WHERE id = ?',
    )
    this.#expire = db.prepare<[number], { file: string }>(
      'DELETE FROM blobs WHERE expires_at <= ? RETURNING file',
    )
    this.#files = db.prepare<[], { file: string }>('SELECT file FROM blobs')
    this.#bytes = db.prepare<[], { sum: number }>('SELECT coalesce(sum(size), 0) AS sum FROM blobs')
  }

  check({ id, size, permit, now }: BlobIntent, room: number): BlobCheck {
    const there = openOne(this.#find.get(id), now) !== null
    // Its own put may have spent it: told apart once the bytes are here.
    if (!there && this.#permits.find(permit) !== null) return { kind: 'permitSpent' }
    return { kind: there || this.bytes() + size <= room ? 'open' : 'full' }
  }

  put(blob: NewBlob, room: number): BlobPutOutcome {
    const { id, size, contentHash, permit, now } = blob
    const row = this.#find.get(id)
    const there = openOne(row, now)
    if (there !== null) {
      const same = there.size === size && sameBytes(there.content_hash, contentHash)
      return same ? { kind: 'repeated', expiresAt: there.expires_at } : { kind: 'exists' }
    }
    if (this.#permits.find(permit) !== null) return { kind: 'permitSpent' }
    if (this.bytes() + size > room) return { kind: 'full' }
    this.#permits.spend(permit, blobActHash('put', id), now)
    this.#insert.run(id, blob.file, size, contentHash, blob.reads, blob.expiresAt)
    return { kind: 'stored', replaced: row?.file ?? null }
  }

  read({ id, permit, now, graceMs }: BlobRead): BlobReadOutcome {
    const blob = this.#find.get(id)
    if (blob === undefined || blob.expires_at <= now) return { kind: 'unknown' }
    const { file, size } = blob
    const spent = this.#permits.find(permit)
    if (spent !== null) {
      const same = spent.putHash !== null && sameBytes(spent.putHash, blobActHash('read', id))
      return same ? { kind: 'repeated', file, size } : { kind: 'permitSpent' }
    }
    if (blob.reads_left === 0) return { kind: 'unknown' }
    this.#permits.spend(permit, blobActHash('read', id), now)
    const left = blob.reads_left - 1
    const end = left === 0 ? Math.min(blob.expires_at, now + graceMs) : blob.expires_at
    this.#countRead.run(left, end, id)
    return { kind: 'read', file, size }
  }

  expire(now: number): readonly string[] {
    return this.#expire.all(now).map(({ file }) => file)
  }

  files(): ReadonlySet<string> {
    return new Set(this.#files.all().map(({ file }) => file))
  }

  bytes(): number {
    return this.#bytes.get()?.sum ?? 0
  }
}
