import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { limits } from '../../wire/limits.ts'
import {
  addDevice,
  bytes,
  deviceOf,
  enrol,
  enrolmentFor,
  envelope,
  envelopeFor,
  invite,
  keySet,
  newDevice,
  putTo,
  type EnrolledAccount,
} from './contractKit.ts'
import type { IdentityReplacement } from './deviceStore.ts'
import type { PutOutcome, PutRequest, RelayStore } from './store.ts'

/** Several devices of an account and its identity key. */
export function deviceContract(store: () => RelayStore): void {
  const put = async (request: PutRequest): Promise<PutOutcome | undefined> =>
    (await store().queues.commit({ puts: [request], deletes: [], now: 1_000 }))[0]
  const bundleIds = async (account: EnrolledAccount, hash = account.accessKeyHash): Promise<number[]> => {
    const outcome = await store().keys.takeBundle(account.accountId, { kind: 'accessKey', hash }, 1)
    return outcome.kind === 'taken' ? outcome.bundle.devices.map((device) => device.deviceId) : [-1]
  }

  test('a device is added once, within the limit, and the revision tells', async () => {
    const ada = await enrol(store(), 'Ada')
    const first = (await store().devices.list(ada.accountId))?.revision ?? -1
    const device = newDevice(ada, 2)
    expect(await store().devices.add(device)).toEqual({ kind: 'added', revision: first + 1 })
    expect(await store().devices.add(device)).toEqual({ kind: 'taken' })
    expect(await store().devices.add({ ...device, deviceId: 3, identityKey: bytes(33) })).toEqual({
      kind: 'unknown',
    })
    expect(await store().devices.add({ ...device, accountId: randomUUID() })).toEqual({ kind: 'unknown' })
    for (let id = 3; id <= limits.devicesPerAccount; id += 1) await addDevice(store(), ada, id)
    expect(await store().devices.add({ ...device, deviceId: 99 })).toEqual({ kind: 'limit' })
    const list = await store().devices.list(ada.accountId)
    expect(list).toMatchObject({
      revision: first + limits.devicesPerAccount - 1,
      identityKey: ada.identityKey,
      highestDeviceId: limits.devicesPerAccount,
    })
    const { attestation, sealedName, deviceKey } = device
    expect(list?.devices[1]).toEqual({
      deviceId: 2,
      registrationId: 42,
      deviceKey,
      attestation,
      sealedName,
      addedAt: 1_700,
      lastSeenDay: 0,
    })
    expect(await bundleIds(ada)).toHaveLength(limits.devicesPerAccount)
  })

  test('a device that has ended, is frozen or is of another account brings no other one', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const second = await addDevice(store(), ada, 2)
    const wanted = { ...newDevice(ada, 3), by: second }
    expect(await store().devices.add({ ...wanted, by: bob.device })).toEqual({ kind: 'unknown' })
    await store().generations.commit([{ kind: 'freeze', device: second }])
    expect(await store().devices.add(wanted)).toEqual({ kind: 'unknown' })
    await store().devices.release(ada.accountId, 2)
    expect(await store().devices.add(wanted)).toMatchObject({ kind: 'added' })
    await store().devices.remove(ada.accountId, 2)
    expect(await store().devices.add({ ...wanted, deviceId: 4 })).toEqual({ kind: 'unknown' })
    expect((await store().devices.list(ada.accountId))?.devices).toHaveLength(2)
  })

  test('a removed device leaves nothing, and neither its number nor its place in the list comes back', async () => {
    const ada = await enrol(store(), 'Ada')
    const second = await addDevice(store(), ada, 2)
    await put(putTo(ada, [envelope(1), envelope(2)]))
    const before = (await store().devices.list(ada.accountId))?.revision ?? 0
    expect(await store().devices.remove(ada.accountId, 2)).toEqual({ device: second, revision: before + 1 })
    expect(await store().devices.remove(ada.accountId, 2)).toBeNull()
    expect(await store().devices.find(ada.accountId, 2)).toBeNull()
    expect(await store().queues.page(second, 0, 10, 1e6)).toEqual([])
    expect(await store().queues.page(ada.device, 0, 10, 1e6)).toHaveLength(1)
    expect(await put(putTo(ada, [envelope(1), envelope(2)]))).toMatchObject({ kind: 'mismatch', extra: [2] })
    expect(await addDevice(store(), ada, 2)).toBeGreaterThan(second)
    expect((await store().devices.list(ada.accountId))?.highestDeviceId).toBe(2)
  })

  test('a name is kept as it came', async () => {
    const ada = await enrol(store(), 'Ada')
    const sealedName = bytes(100)
    const revision = await store().devices.name(ada.device, sealedName)
    expect(await store().devices.list(ada.accountId)).toMatchObject({ revision, devices: [{ sealedName }] })
  })

  test('a put for some devices reaches these and no others', async () => {
    const ada = await enrol(store(), 'Ada')
    const second = await addDevice(store(), ada, 2)
    expect(await put(putTo(ada, [envelope(2)]))).toMatchObject({ kind: 'mismatch', missing: [1] })
    expect(await put({ ...putTo(ada, [envelope(2)]), someDevices: true })).toMatchObject({ kind: 'stored' })
    expect(await put({ ...putTo(ada, [envelope(3)]), someDevices: true })).toMatchObject({
      kind: 'mismatch',
      missing: [],
      extra: [3],
    })
    expect(await store().queues.newest(ada.device)).toBe(0)
    expect(await store().queues.newest(second)).toBeGreaterThan(0)
  })

  test('a check judges as a put would and stores nothing', async () => {
    const ada = await enrol(store(), 'Ada')
    const request = envelopeFor(ada, 'a')
    expect(await store().queues.check(request)).toEqual({
      kind: 'proper',
      targets: [{ device: ada.device, envelope: request.envelopes[0] }],
    })
    const denied = putTo(ada, [envelope(1)], { kind: 'accessKey', hash: bytes(32) })
    expect(await store().queues.check(denied)).toEqual({ kind: 'denied' })
    expect(await store().queues.check(putTo(ada, [envelope(2)]))).toMatchObject({ kind: 'mismatch' })
    expect(await store().queues.newest(ada.device)).toBe(0)
  })

  test('an access key that was changed opens nothing any more', async () => {
    const ada = await enrol(store(), 'Ada')
    const hash = bytes(32)
    await store().identities.setAccessKeyHash(ada.accountId, hash)
    expect(await store().identities.accessKeyHash(ada.accountId)).toEqual(hash)
    expect(await put(envelopeFor(ada, 'old'))).toEqual({ kind: 'denied' })
    expect(await put(envelopeFor({ ...ada, accessKeyHash: hash }, 'new'))).toMatchObject({ kind: 'stored' })
  })

  test('a new identity key drops the others’ keys; nobody waits for them; who has a session still reaches them', async () => {
    const ada = await enrol(store(), 'Ada')
    const [second, third] = [await addDevice(store(), ada, 2), await addDevice(store(), ada, 3)]
    const replacement = replacementOf(ada, third)
    const before = (await store().devices.list(ada.accountId))?.revision ?? 0
    const revision = before + 1
    expect(await store().identities.replace(replacement)).toEqual({
      kind: 'replaced',
      revision,
      removed: [second],
    })
    // The answer may have been lost; a device that was not quick enough learns it.
    expect(await store().identities.replace(replacement)).toEqual({
      kind: 'replaced',
      revision: revision + 1,
      removed: [],
    })
    expect(await store().identities.replace(replacementOf(ada, ada.device))).toEqual({ kind: 'superseded' })

    const now = { ...ada, accessKeyHash: replacement.accessKeyHash }
    expect(await bundleIds(now)).toEqual([3])
    expect((await store().devices.find(ada.accountId, 1))?.adopted).toBe(false)
    expect(await store().keys.count(ada.device)).toEqual({ oneTimePreKeys: 0, oneTimeKyberPreKeys: 0 })
    expect(await put(putTo(now, [envelope(3)]))).toMatchObject({ kind: 'stored' })
    expect(await put(putTo(now, [envelope(1), envelope(3)]))).toMatchObject({ kind: 'stored' })
    const own = { kind: 'own', except: third } as const
    expect(await put(putTo(now, [envelope(1)], own))).toMatchObject({ kind: 'stored' })
    await expect(store().keys.upload(ada.device, replacement.identityKey, keySet(1))).rejects.toMatchObject({
      code: 'identity.superseded',
    })

    const adoption = {
      device: ada.device,
      identityKey: ada.identityKey,
      attestation: bytes(64),
      keys: keySet(1),
    }
    expect(await store().identities.adopt(adoption)).toBeNull()
    const adopted = { ...adoption, identityKey: replacement.identityKey }
    expect(await store().identities.adopt(adopted)).toEqual({ revision: revision + 2 })
    expect(await bundleIds(now)).toEqual([1, 3])
    expect(await put(putTo(now, [envelope(3)]))).toMatchObject({ kind: 'mismatch', missing: [1] })
  })

  test('to replace the identity key removes every device that is not kept, also one that nobody knew', async () => {
    const ada = await enrol(store(), 'Ada')
    const others = [await addDevice(store(), ada, 2), await addDevice(store(), ada, 3)]
    await put(putTo(ada, [envelope(1), envelope(2), envelope(3)]))
    const alone = { ...replacementOf(ada, ada.device), keep: [] }
    expect(await store().identities.replace(alone)).toMatchObject({ kind: 'replaced', removed: others })
    const list = await store().devices.list(ada.accountId)
    expect(list?.identityKey).toEqual(alone.identityKey)
    expect(list?.devices.map(({ deviceId }) => deviceId)).toEqual([1])
    for (const device of others) expect(await store().queues.newest(device)).toBe(0)
  })

  test('a new invitation of an account begins it anew and ends the other codes', async () => {
    const ada = await enrol(store(), 'Ada')
    const second = await addDevice(store(), ada, 2)
    await put(putTo(ada, [envelope(1), envelope(2)]))
    const again = async (): Promise<Uint8Array<ArrayBuffer>> => {
      const codeHash = bytes(32)
      const { accountId } = ada
      const entry = await store().invitations.createAgain({
        accountId,
        codeHash,
        createdAt: 1,
        expiresAt: 9_000,
      })
      expect(entry).toMatchObject({ accountId, displayName: 'Ada' })
      return codeHash
    }
    const [codeHash, other] = [await again(), await again()]
    const before = (await store().devices.list(ada.accountId))?.revision ?? 0
    const enrolment = enrolmentFor(codeHash)
    const outcome = await store().invitations.redeem(enrolment)
    expect(outcome).toMatchObject({ kind: 'enrolled', deviceId: limits.firstDeviceId })
    expect(outcome.kind === 'enrolled' && outcome.removed.toSorted()).toEqual([ada.device, second])
    expect(await store().invitations.redeem(enrolmentFor(other))).toEqual({ kind: 'unknown' })
    const device = await deviceOf(store(), ada.accountId, 1)
    expect([ada.device, second]).not.toContain(device)
    expect(await store().queues.newest(device)).toBe(0)
    const list = await store().devices.list(ada.accountId)
    expect(list).toMatchObject({
      revision: before + 1,
      identityKey: enrolment.identityKey,
      highestDeviceId: 2,
    })
    expect(list?.devices).toHaveLength(1)
    expect(await put(envelopeFor(ada, 'old key'))).toEqual({ kind: 'denied' })
    const search = { words: ['ada'], after: null, except: randomUUID(), counted: true, limit: 9 }
    expect((await store().accounts.search(search)).total).toBe(1)
  })

  test('nobody is invited again who was never invited', async () => {
    const unknown = { accountId: randomUUID(), codeHash: bytes(32), createdAt: 1, expiresAt: 2 }
    expect(await store().invitations.createAgain(unknown)).toBeNull()
    const { accountId } = await invite(store(), 'Ada')
    expect(await store().invitations.createAgain({ ...unknown, accountId })).toMatchObject({ accountId })
  })
}

/** By the device with this number; keeps 1 and 3. */
function replacementOf(account: EnrolledAccount, device: number): IdentityReplacement {
  return {
    device,
    keep: [1, 3],
    previousIdentityKey: account.identityKey,
    identityKey: bytes(33),
    attestation: bytes(64),
    accessKeyHash: bytes(32),
    keys: keySet(1),
  }
}
