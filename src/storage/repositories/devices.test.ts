import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testVault, type TestVault } from '../testkit.ts'
import { readOwnDevices, readRemovedOwnDevices, replaceOwnDevices, type OwnDevice } from './ownDevices.ts'
import { readPeerDevices, rememberPeerDevice, removePeerDevices } from './peerDevices.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const device = (deviceId: number, key = deviceId): OwnDevice => ({
  deviceId,
  registrationId: 100 + deviceId,
  deviceKey: blob(key),
  name: `device ${deviceId}`,
  addedAt: 5,
  lastSeenDay: null,
})

describe('own devices', () => {
  const replace = (list: readonly OwnDevice[], now = 50) =>
    kit.write((tx) => replaceOwnDevices(tx, list, now))

  it('are replaced as a list, and the difference is told', () => {
    expect(replace([device(2), device(1)])).toEqual({ added: [device(2), device(1)], removed: [] })
    const seen = { ...device(1), name: 'renamed', lastSeenDay: 86_400_000 }
    expect(replace([seen, device(3)])).toEqual({ added: [device(3)], removed: [device(2)] })
    expect(readOwnDevices(kit.sql)).toEqual([seen, device(3)])
    expect(readRemovedOwnDevices(kit.sql)).toEqual([{ ...device(2), removedAt: 50 }])
    expect(replace([seen, device(3)], 60)).toEqual({ added: [], removed: [] })
    expect(readRemovedOwnDevices(kit.sql)).toEqual([{ ...device(2), removedAt: 50 }])
  })

  it('are other devices when the key under an id is another one', () => {
    replace([device(1), device(2)])
    expect(replace([device(1), device(2, 9)])).toEqual({ added: [device(2, 9)], removed: [device(2)] })
    expect(replace([device(1)])).toEqual({ added: [], removed: [device(2, 9)] })
    expect(replace([device(1), device(2, 9)])).toEqual({ added: [device(2, 9)], removed: [] })
    expect([readOwnDevices(kit.sql), readRemovedOwnDevices(kit.sql)]).toEqual([[device(1), device(2, 9)], []])
  })
})

describe('devices of others', () => {
  const remember = (accountId: string, deviceId: number, key: number) =>
    kit.write((tx) => rememberPeerDevice(tx, { accountId, deviceId, deviceKey: blob(key) }, 5))

  it('are a notice when new, once, and never the first of an account', () => {
    expect([remember('a', 1, 1), remember('b', 1, 1)]).toEqual([false, false])
    expect([remember('a', 1, 1), remember('a', 2, 2), remember('a', 2, 2)]).toEqual([false, true, false])
    expect([remember('a', 1, 7), remember('a', 1, 7)]).toEqual([true, false])
    expect(readPeerDevices(kit.sql, 'a')).toEqual([
      { accountId: 'a', deviceId: 1, deviceKey: blob(7) },
      { accountId: 'a', deviceId: 2, deviceKey: blob(2) },
    ])
    kit.write((tx) => removePeerDevices(tx, 'a', [1, 9]))
    expect(readPeerDevices(kit.sql, 'a').map((d) => d.deviceId)).toEqual([2])
    expect(readPeerDevices(kit.sql, 'b')).toHaveLength(1)
  })

  it('are found by index', () => {
    const query = 'SELECT device_id, device_key FROM peer_device WHERE account_id = ? ORDER BY device_id'
    expect(slowSteps(kit.sql, query, ['a'])).toEqual([])
  })
})
