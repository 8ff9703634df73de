import { createHash } from 'node:crypto'
import { concatBytes, utf8, type Bytes } from '../base/bytes.ts'

/**
 * The 32 bytes by which an invitation pins a relay's trust anchors (ARCHITECTURE: trust anchors):
 * SHA-256 over a label, the public trust root of sealed sender and the public zkgroup parameters.
 */
export function anchorsHash(trustRoot: Uint8Array, zkPublicParams: Uint8Array): Bytes {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, trustRoot.length)
  const input = concatBytes(utf8('valise anchors v1\0'), length, trustRoot, zkPublicParams)
  return new Uint8Array(createHash('sha256').update(input).digest())
}
