import { createHash } from 'node:crypto'
import { copyBytes, type Bytes } from '../../base/bytes.ts'

/** What is kept of a one-time link that registers a second factor. */
export function linkHashOf(secret: Uint8Array): Bytes {
  return copyBytes(createHash('sha256').update(secret).digest())
}
