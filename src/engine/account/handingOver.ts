import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { sealHandover } from '../../protocol/linking.ts'
import { canonicalLinkCode, linkCode, linkIdOf } from '../../wire/linking.ts'
import type { Vault } from '../../storage/vault.ts'
import type { Journal } from '../profile/journal.ts'
import { expectDevice, expectNobody } from '../sending/posting.ts'
import type { RelayConnection } from '../relay/connection.ts'
import type { Self } from './self.ts'

interface HandingOver {
  readonly connection: RelayConnection
  readonly self: Self
  readonly vault: Vault
  readonly clock: Clock
}

/**
 * Links the device that shows the code which a person has typed here: it gets the account's keys, sealed to its own key.
 * Throws `link.malformed`, `link.unknown`, `link.tooManyTries`, `device.limit`, and `link.mismatch` when the relay offers
 * another key than the code commits to; nothing has then been sent.
 */
export async function handOver(
  parts: HandingOver & { readonly journal: Journal },
  typed: string,
): Promise<number> {
  try {
    return await sealForCode(parts, typed)
  } catch (error) {
    const { code } = reportOf(error)
    await parts.journal.record({ type: 'device.linkRefused', actor: 'person', payload: { code } })
    throw error
  }
}

async function sealForCode({ connection, self, vault, clock }: HandingOver, typed: string): Promise<number> {
  const code = canonicalLinkCode(typed)
  if (code === null) throw new CodedError('link.malformed')
  const id = linkIdOf(code)
  const linkId = toBase64Url(id)
  const found = await connection.request('linkFind', { body: { linkId } })
  const ephemeralKey = decoded(found.ephemeralKey)
  const { accountId, relayId } = self.record
  // The whole of the protection: 100 bits of the key, which a person has carried over by hand.
  if (linkCode(ephemeralKey, decoded(found.nonce), relayId) !== code) throw new CodedError('link.mismatch')
  const { deviceId, secret } = await connection.request('linkReserve', { body: { linkId } })
  const { identityKeyPair, profileKey } = self.account
  const sealed = sealHandover(ephemeralKey, id, {
    accountId,
    deviceId,
    secret: decoded(secret),
    identityKeyPair,
    profileKey,
    relayId,
  })
  vault.transaction((tx) => expectDevice(tx, deviceId, clock.now()))
  try {
    await connection.request('linkAnswer', { body: { linkId, sealed: toBase64Url(sealed) } })
  } catch (error) {
    // An answer that was lost may have been taken; one that was refused was not.
    if (reportOf(error).code.startsWith('link.')) vault.transaction((tx) => expectNobody(tx, accountId))
    throw error
  }
  return deviceId
}

function decoded(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('relay.malformedAnswer')
  return bytes
}
