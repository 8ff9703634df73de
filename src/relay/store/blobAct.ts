import { createHash } from 'node:crypto'
import type { Bytes } from '../../base/bytes.ts'

/** What a permit paid for, so that this very act may be repeated with it. */
export function blobActHash(act: 'put' | 'read', id: Bytes): Bytes {
  return new Uint8Array(createHash('sha256').update(`valise blob ${act} v1\0`).update(id).digest())
}
