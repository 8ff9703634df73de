import { sameBytes } from '../../base/bytes.ts'
import { peerToken } from '../../journal/index.ts'
import type { Address } from '../../protocol/address.ts'
import { readPeerDevices, rememberPeerDevice } from '../../storage/repositories/peerDevices.ts'
import type { Tx } from '../../storage/vault.ts'
import type { Journal } from '../profile/journal.ts'

/** A message says from which device it is, a bundle also which key that device has. */
const keyNotSeen = new Uint8Array(32)

/**
 * Notes a device of another account. True when the account had others before: its contacts are told of one more. What is
 * told is journalled here (SECURITY 13).
 */
export function notePeerDevice(
  tx: Tx,
  journal: Journal,
  { accountId, deviceId }: Address,
  deviceKey: Uint8Array<ArrayBuffer> | null,
  now: number,
): boolean {
  const known = readPeerDevices(tx, accountId).find((device) => device.deviceId === deviceId)
  if (known !== undefined && (deviceKey === null || sameBytes(known.deviceKey, keyNotSeen))) {
    if (deviceKey !== null) rememberPeerDevice(tx, { accountId, deviceId, deviceKey }, now)
    return false
  }
  const added = rememberPeerDevice(tx, { accountId, deviceId, deviceKey: deviceKey ?? keyNotSeen }, now)
  if (!added) return false
  journal.append(tx, (salt) => ({
    type: 'peer.deviceAdded',
    actor: 'peer',
    payload: { peer: peerToken(salt, accountId), deviceId },
  }))
  return true
}
