import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { copyBytes, fromHex, toHex, type Bytes } from '../../base/bytes.ts'
import { compareStamps, timeAfter, type Stamp } from '../../content/rules/order.ts'
import type { AccountKeysBody } from '../../content/ownDevices.ts'
import { newProfileKey } from '../../protocol/profileKey.ts'
import type { Sql } from '../../storage/binding.ts'
import { updateProfileKey } from '../../storage/repositories/account.ts'
import { readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Tx } from '../../storage/vault.ts'

const stampSchema = z.strictObject({ sentAt: z.number(), changeId: z.string() })

/** A new one, decided on here. Answers what the account's other devices are told, and under which id. */
export function replaceProfileKey(
  tx: Tx,
  now: number,
): { readonly body: AccountKeysBody; readonly changeId: Bytes } {
  const changeId = copyBytes(randomBytes(16))
  const changedAt = timeAfter(now, stampOf(tx))
  const profileKey = newProfileKey()
  takeProfileKey(tx, profileKey, changedAt, changeId)
  return { body: { kind: 'accountKeys', identityKeyPair: null, profileKey, changedAt }, changeId }
}

/** Of all that the account's devices decided on the newest stands, and each of them publishes what stands. */
export function takeProfileKey(tx: Tx, profileKey: Bytes, sentAt: number, changeId: Bytes): void {
  const known = stampOf(tx)
  if (known !== null && compareStamps(known, { sentAt, changeId }) >= 0) return
  writeSetting(tx, 'accountKeysAt', JSON.stringify({ sentAt, changeId: toHex(changeId) }))
  updateProfileKey(tx, profileKey)
  writeSetting(tx, 'publishAccessKey', '1')
}

function stampOf(sql: Sql): Stamp | null {
  const text = readSetting(sql, 'accountKeysAt')
  if (text === null) return null
  const { sentAt, changeId } = stampSchema.parse(JSON.parse(text))
  return { sentAt, changeId: fromHex(changeId) ?? new Uint8Array() }
}
