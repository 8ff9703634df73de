import type { Bytes } from '../../base/bytes.ts'
import type { SpendablePermit } from './store.ts'

/** Which encrypted files there are; their bytes are files beside the store (`blobs/`). Acts are paid with permits. */
export interface BlobStore {
  /**
   * Keeps one whose file is durable, and spends the permit: both or nothing. Only `stored` takes the file. One of this id that
   * has expired or was read as often as intended is as if it were not there.
   */
  put(blob: NewBlob, room: number): Promise<BlobPutOutcome>
  /** Whether a put could succeed, before its bytes are taken; stores and spends nothing. */
  check(put: BlobIntent, room: number): Promise<BlobCheck>
  /**
   * Spends the permit and one of the reads. The last read leaves the file for `graceMs`, in which any read may be repeated
   * with the permit that paid for it.
   */
  read(read: BlobRead): Promise<BlobReadOutcome>
  /** Forgets those that have expired, and answers their files, which the caller then deletes. */
  expire(now: number): Promise<readonly string[]>
  files(): Promise<ReadonlySet<string>>
  bytes(): Promise<number>
}

export interface NewBlob {
  /** SHA-256 of the capability. */
  readonly id: Bytes
  readonly file: string
  readonly size: number
  readonly contentHash: Bytes
  readonly reads: number
  readonly expiresAt: number
  readonly permit: SpendablePermit
  readonly now: number
}

export type BlobIntent = Pick<NewBlob, 'id' | 'size' | 'permit' | 'now'>

export interface BlobRead {
  readonly id: Bytes
  readonly permit: SpendablePermit
  readonly now: number
  readonly graceMs: number
}

/**
 * `replaced`: the file of one that was over, which the caller then deletes. `repeated`: it is there already, with the same
 * bytes. `full`: more than `room` bytes in all.
 */
export type BlobPutOutcome =
  | { readonly kind: 'stored'; readonly replaced: string | null }
  | { readonly kind: 'full' | 'exists' | 'permitSpent' }
  | { readonly kind: 'repeated'; readonly expiresAt: number }

/** `open` also where one of this id is there: whether its bytes are the same is known only once they have come. */
export type BlobCheck = { readonly kind: 'open' | 'full' | 'permitSpent' }

export type BlobReadOutcome =
  | { readonly kind: 'read' | 'repeated'; readonly file: string; readonly size: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'permitSpent' }
