import type { Clock } from '../base/clock.ts'
import { makeKeys, newFirstKeyId } from '../protocol/keys.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { readSetting, writeSetting } from '../storage/repositories/settings.ts'
import type { Vault } from '../storage/vault.ts'
import type { KeyUpload } from '../wire/http.ts'
import { limits } from '../wire/limits.ts'
import type { Journal } from './journal.ts'
import type { RelayConnection } from './relay/connection.ts'

/** Below this number of one-time keys of either kind at the relay, new ones are made. */
const lowWater = 25

interface SupplyParts {
  readonly vault: Vault
  readonly connection: RelayConnection
  readonly protocol: Protocol
  readonly journal: Journal
  readonly identityKeyPair: Uint8Array<ArrayBuffer>
  readonly clock: Clock
}

/** Keeps the relay stocked with one-time prekeys, so that first messages do not need the last-resort key. */
export async function replenishKeys(parts: SupplyParts): Promise<void> {
  const { connection, journal } = parts
  const upload = await madeKeys(parts)
  if (upload === null) return
  // When the answer is lost, new keys are made the next time: uploading the same ones again would offer a key twice.
  await connection.request('uploadKeys', { body: upload })
  const preKeys = upload.oneTimePreKeys.length
  const kyberPreKeys = upload.oneTimeKyberPreKeys.length
  await journal.record({
    type: 'keys.published',
    actor: 'device',
    payload: { signedPreKey: false, preKeys, kyberPreKeys },
  })
}

/** New ones, committed before they are published: a key that the relay hands out is always known here. */
async function madeKeys({
  vault,
  connection,
  protocol,
  identityKeyPair,
  clock,
}: SupplyParts): Promise<KeyUpload | null> {
  const count = await connection.request('keyCount')
  if (Math.min(count.oneTimePreKeys, count.oneTimeKyberPreKeys) >= lowWater) return null
  return await protocol.exclusively(async (turn) => {
    const firstKeyId = Number(readSetting(vault.sql, 'nextKeyId') ?? newFirstKeyId())
    const order = { firstKeyId, oneTime: limits.oneTimePreKeysPerUpload, lasting: false }
    const { upload, nextKeyId } = makeKeys(turn.writes, identityKeyPair, order, clock.now())
    turn.writes.write((tx) => writeSetting(tx, 'nextKeyId', String(nextKeyId)))
    turn.writes.commit()
    return upload
  })
}
