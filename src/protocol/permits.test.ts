import {
  DonationPermit,
  DonationPermitDerivedKeyPair,
  DonationPermitRequest,
  DonationPermitResponse,
  ServerSecretParams,
} from '@signalapp/libsignal-client/zkgroup.js'
import { describe, expect, it } from 'vitest'
import { toHex, type Bytes } from '../base/bytes.ts'
import { limits } from '../wire/limits.ts'
import { beginPermits, finishPermits } from './permits.ts'

const secretParams = ServerSecretParams.generate()
const publicParams = secretParams.getPublicParams().serialize()
const now = Date.now()

/** The relay's half. */
function issue(request: Bytes, params = secretParams): Bytes {
  const expiration = DonationPermitResponse.defaultExpiration(new Date(now))
  const keyPair = DonationPermitDerivedKeyPair.forExpiration(expiration, params)
  return new DonationPermitRequest(request).issue(keyPair).serialize()
}

describe('permits', () => {
  it('are as many as were asked for, each verifies at the relay, and each has an id of its own', () => {
    const { context, request } = beginPermits(limits.permitsAtOnce)
    const permits = finishPermits(context, issue(request), publicParams, now)
    expect(permits).toHaveLength(limits.permitsAtOnce)
    const ids = permits.map(({ permit, expiresAt }) => {
      const read = new DonationPermit(permit)
      expect(read.expiration.getTime()).toBe(expiresAt)
      expect(expiresAt).toBeGreaterThan(now)
      read.verify(DonationPermitDerivedKeyPair.forExpiration(read.expiration, secretParams), new Date(now))
      return toHex(read.spendId)
    })
    expect(new Set(ids).size).toBe(limits.permitsAtOnce)
    // The relay cannot tell the permit from the request: its id was not in it.
    for (const id of ids) expect(toHex(request)).not.toContain(id)
  })

  it('of another relay, another request or damaged ones are refused', () => {
    const { context, request } = beginPermits(2)
    const response = issue(request)
    const foreign = issue(request, ServerSecretParams.generate())
    const refused = (answer: Bytes, params = publicParams) =>
      expect(() => finishPermits(context, answer, params, now)).toThrow('permit.invalid')
    refused(foreign)
    refused(issue(beginPermits(2).request))
    refused(issue(beginPermits(1).request))
    refused(new Uint8Array())
    refused(response, new Uint8Array(3))
    for (let at = 0; at < response.length; at += 1) {
      const changed = response.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      refused(changed)
    }
  })

  it('are asked for within the limits of one request', () => {
    for (const count of [0, -1, 1.5, limits.permitsAtOnce + 1])
      expect(() => beginPermits(count)).toThrow('argument.invalid')
  })
})
