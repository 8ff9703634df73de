import { createHash } from 'node:crypto'
import type { Bytes } from '../../base/bytes.ts'
import type { PutRequest } from './store.ts'

/** By this a put is known again when its permit comes a second time, also after its envelopes were acknowledged. */
export function putHash(put: PutRequest): Bytes {
  const hash = createHash('sha256').update('valise put v1\0').update(put.destination)
  for (const { deviceId, messageId } of put.envelopes.toSorted((a, b) => a.deviceId - b.deviceId)) {
    hash.update(Uint8Array.of(deviceId)).update(messageId)
  }
  return new Uint8Array(hash.digest())
}
