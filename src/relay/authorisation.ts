import { hash } from 'node:crypto'
import type { Bytes } from '../base/bytes.ts'
import type { ErrorCode } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'
import type { Permits } from './crypto/permits.ts'
import type { Authorisation } from './store/store.ts'

/** What an anonymous request or put showed, not yet checked. */
export interface ShownAuthorisation {
  readonly kind: 'accessKey' | 'permit'
  readonly bytes: Uint8Array
}

/**
 * What the store may judge of it, or the code of a refusal: `access.denied` for bytes that are no access key,
 * `permit.invalid` for a permit that this relay did not issue or that has expired.
 */
export function authorisationOf(
  shown: ShownAuthorisation,
  permits: Permits,
  now: number,
): Exclude<Authorisation, { kind: 'own' }> | ErrorCode {
  if (shown.kind === 'accessKey') {
    return shown.bytes.length === limits.accessKeyBytes
      ? { kind: 'accessKey', hash: accessKeyHash(shown.bytes) }
      : 'access.denied'
  }
  const permit = permits.verify(shown.bytes, now)
  return permit === null ? 'permit.invalid' : { kind: 'permit', permit }
}

/** All that is kept of an access key. */
function accessKeyHash(accessKey: Uint8Array): Bytes {
  return new Uint8Array(hash('sha256', accessKey, 'buffer'))
}
