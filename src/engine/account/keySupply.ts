import { sameBytes, toBase64Url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { makeKeys, newFirstKeyId } from '../../protocol/keys.ts'
import { accessKeyHash, accessKeyOf } from '../../protocol/profileKey.ts'
import type { Protocol, Turn } from '../../protocol/protocol.ts'
import {
  lastingKeys,
  lastingKeyTimes,
  removeExpiredLastingKeys,
  rotationDue,
} from '../../protocol/rotation.ts'
import { forgetSetting, readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Vault } from '../../storage/vault.ts'
import type { KeyUpload } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import type { ReachPoint } from '../crashPoints.ts'
import type { Journal } from '../profile/journal.ts'
import type { LiveConnection, RelayConnection } from '../relay/connection.ts'
import type { Self } from './self.ts'

/** Below this number of one-time keys of either kind at the relay, new ones are made. */
const lowWater = 25

export interface SupplyParts {
  readonly vault: Vault
  readonly connection: RelayConnection
  readonly protocol: Protocol
  readonly journal: Journal
  readonly self: Self
  readonly clock: Clock
  readonly reach: ReachPoint
}

/**
 * Keeps what the relay has of this device as it should be: one-time prekeys in stock, so that first messages do not need
 * the last-resort key; lasting ones rotated by age; everything replaced where the vault was a copy; the access key.
 */
export async function supplyKeys(parts: SupplyParts, live: LiveConnection): Promise<void> {
  const { connection, journal, vault } = parts
  await publishAccessKey(parts)
  const replace = readSetting(vault.sql, 'replaceKeys') !== null
  const upload = await madeKeys(parts, live, replace)
  if (upload === null) return
  // When the answer is lost, new keys are made the next time: uploading the same ones again would offer a key twice.
  await connection.request('uploadKeys', { body: upload })
  if (replace) vault.transaction((tx) => forgetSetting(tx, 'replaceKeys'))
  const preKeys = upload.oneTimePreKeys.length
  const kyberPreKeys = upload.oneTimeKyberPreKeys.length
  await journal.record({
    type: 'keys.published',
    actor: 'device',
    payload: { signedPreKey: upload.signedPreKey !== undefined, preKeys, kyberPreKeys },
  })
}

async function publishAccessKey({ vault, connection, self }: SupplyParts): Promise<void> {
  while (readSetting(vault.sql, 'publishAccessKey') !== null) {
    const { profileKey } = self.account
    await connection.request('accessKey', {
      body: { accessKeyHash: toBase64Url(accessKeyHash(accessKeyOf(profileKey))) },
    })
    // Changed again meanwhile: the relay has to hear of the last one.
    if (!sameBytes(profileKey, self.account.profileKey)) continue
    vault.transaction((tx) => forgetSetting(tx, 'publishAccessKey'))
  }
}

/** New ones, committed before they are published: a key that the relay hands out is always known here. */
async function madeKeys(
  { vault, connection, protocol, self, clock, reach }: SupplyParts,
  live: LiveConnection,
  replace: boolean,
): Promise<KeyUpload | null> {
  const count = await connection.request('keyCount')
  const few = Math.min(count.oneTimePreKeys, count.oneTimeKyberPreKeys) < lowWater
  return await protocol.exclusively(async (turn) => {
    const lasting = replace || isRotationDue(turn, clock.now())
    if (!few && !lasting) return null
    const firstKeyId = Number(readSetting(vault.sql, 'nextKeyId') ?? newFirstKeyId())
    const oneTime = few || replace ? limits.oneTimePreKeysPerUpload : 0
    const order = { firstKeyId, oneTime, lasting, replaceOneTime: replace }
    const { upload, nextKeyId } = makeKeys(turn.writes, self.account.identityKeyPair, order, clock.now())
    // By the relay's clock: one that is years ahead here would take keys in use away.
    removeExpiredLastingKeys(turn.writes, Math.min(clock.now(), live.relayTime()))
    turn.pruneRetired(Math.min(clock.now(), live.relayTime()))
    turn.writes.write((tx) => writeSetting(tx, 'nextKeyId', String(nextKeyId)))
    turn.writes.commit()
    reach('keys.committed')
    return upload
  })
}

function isRotationDue(turn: Turn, now: number): boolean {
  return rotationDue(lastingKeyTimes(lastingKeys(turn.writes), now), now)
}
