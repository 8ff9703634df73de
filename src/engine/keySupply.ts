import type { Clock } from '../base/clock.ts'
import { makeKeys, newFirstKeyId } from '../protocol/keys.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { readSetting, writeSetting } from '../storage/repositories/settings.ts'
import type { Vault } from '../storage/vault.ts'
import { limits } from '../wire/limits.ts'
import type { Journal } from './journal.ts'
import type { RelayConnection } from './relay/connection.ts'

/** Below this number of one-time keys of either kind at the relay, new ones are made. */
const lowWater = 25

/** Keeps the relay stocked with one-time prekeys, so that first messages do not need the last-resort key. */
export async function replenishKeys(parts: {
  readonly vault: Vault
  readonly connection: RelayConnection
  readonly protocol: Protocol
  readonly journal: Journal
  readonly identityKeyPair: Uint8Array<ArrayBuffer>
  readonly clock: Clock
}): Promise<void> {
  const { vault, connection, protocol, journal, identityKeyPair, clock } = parts
  const count = await connection.request('keyCount')
  if (Math.min(count.oneTimePreKeys, count.oneTimeKyberPreKeys) >= lowWater) return
  const upload = await protocol.exclusively(async (turn) => {
    const firstKeyId = Number(readSetting(vault.sql, 'nextKeyId') ?? newFirstKeyId())
    const order = { firstKeyId, oneTime: limits.oneTimePreKeysPerUpload, lasting: false }
    const made = makeKeys(turn.writes, identityKeyPair, order, clock.now())
    turn.writes.write((tx) => writeSetting(tx, 'nextKeyId', String(made.nextKeyId)))
    // Committed before they are published: a key that the relay hands out is always known here.
    turn.writes.commit()
    return made.upload
  })
  await connection.request('uploadKeys', { body: upload })
  const preKeys = upload.oneTimePreKeys.length
  const kyberPreKeys = upload.oneTimeKyberPreKeys.length
  await journal.record({
    type: 'keys.published',
    actor: 'device',
    payload: { signedPreKey: false, preKeys, kyberPreKeys },
  })
}
