import { afterEach, describe, expect, it } from 'vitest'
import { fromHex, toBase64Url, type Bytes } from '../base/bytes.ts'
import type { Bundle } from '../wire/http.ts'
import { attest } from './attestation.ts'
import type { BundleDevice } from './bundle.ts'
import { receivedKey } from './curveKeys.ts'
import { newIdentityKeyPair } from './keys.ts'
import { newEphemeralKey, sealHandover } from './linking.ts'
import { newProfileKey } from './profileKey.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

function withDevice(bundle: Bundle, change: (device: BundleDevice) => BundleDevice): Bundle {
  return { ...bundle, devices: bundle.devices.map(change) }
}

async function refused(bundle: Bundle, of: TestDevice, code: string): Promise<void> {
  const a = room.device()
  await expect(startSessions(a, of.local.accountId, bundle)).rejects.toMatchObject({ code })
  expect(a.records.begin().identities.get(of.local.accountId)).toBeNull()
  expect(a.records.begin().sessions.keys().size).toBe(0)
}

describe('a device in a bundle', () => {
  it('is refused when the identity key did not make its attestation', async () => {
    const b = room.device()
    const other = { ...b.local, deviceKey: b.deviceKey }
    const foreign = toBase64Url(attest(newIdentityKeyPair(), other))
    await refused(
      withDevice(bundleOf(b), (d) => ({ ...d, attestation: foreign })),
      b,
      'device.attestation',
    )
  })

  it('is refused under another number, registration id, device key or account', async () => {
    const [b, c] = [room.device(), room.device()]
    const bundle = bundleOf(b)
    const deviceKey = toBase64Url(c.deviceKey)
    await refused(
      withDevice(bundle, (d) => ({ ...d, deviceId: 2 })),
      b,
      'device.attestation',
    )
    const registrationId = (b.local.registrationId % 16_380) + 1
    await refused(
      withDevice(bundle, (d) => ({ ...d, registrationId })),
      b,
      'device.attestation',
    )
    await refused(
      withDevice(bundle, (d) => ({ ...d, deviceKey })),
      b,
      'device.attestation',
    )
    await refused(bundle, c, 'device.attestation')
  })

  it('is refused for one’s own account under another identity key, at first contact too', async () => {
    const a = room.device()
    const invented = room.device({ accountId: a.local.accountId, deviceId: 2 })
    await expect(startSessions(a, a.local.accountId, bundleOf(invented))).rejects.toMatchObject({
      code: 'identity.changed',
    })
    const own = room.device({
      accountId: a.local.accountId,
      deviceId: 2,
      identityKeyPair: a.local.identityKeyPair,
    })
    await startSessions(a, a.local.accountId, bundleOf(own))
    await room.exchange(a, own)
  })
})

/**
 * The 12 encodings of points of small order (https://cr.yp.to/ecdh.html#validate). The last five have their high bit set or
 * exceed the field only for implementations that do not mask it; libsignal masks it (RFC 7748 section 5), which makes
 * ordinary points of them.
 */
const lowOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]
const masked = [
  'cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880',
  '4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7',
  `d9${'ff'.repeat(31)}`,
  `da${'ff'.repeat(31)}`,
  `db${'ff'.repeat(31)}`,
]

const point = (hex: string): Bytes => fromHex(`05${hex}`) ?? new Uint8Array()
const withHighBit = (hex: string): string =>
  hex.slice(0, 62) + (Number.parseInt(hex.slice(62), 16) | 0x80).toString(16)

describe('a public key that came in', () => {
  it.each([...lowOrder, ...lowOrder.map(withHighBit)])('is refused as the point %s', async (hex) => {
    expect(() => receivedKey(point(hex), 'bundle.malformed')).toThrow('bundle.malformed')
    const b = room.device()
    const key = toBase64Url(point(hex))
    const bundle = bundleOf(b)
    await refused({ ...bundle, identityKey: key }, b, 'bundle.malformed')
    const inPlaceOf = async (change: Partial<BundleDevice>) =>
      await refused(
        withDevice(bundle, (d) => ({ ...d, ...change })),
        b,
        'bundle.malformed',
      )
    await inPlaceOf({ preKey: { keyId: 1, publicKey: key } })
    const [device] = bundle.devices
    if (device === undefined) throw new Error('no device')
    await inPlaceOf({ signedPreKey: { ...device.signedPreKey, publicKey: key } })
    const { accountId, identityKeyPair } = b.local
    const handover = { accountId, deviceId: 2, secret: new Uint8Array(32), identityKeyPair, relayId: 'r' }
    expect(() =>
      sealHandover(point(hex), new Uint8Array(32), { ...handover, profileKey: newProfileKey() }),
    ).toThrow('link.mismatch')
  })

  it.each(masked)('is an ordinary one as the point %s', (hex) => {
    expect(receivedKey(point(hex), 'bundle.malformed').serialize()).toHaveLength(33)
  })

  it('is refused in other lengths and types', () => {
    const key = newEphemeralKey().publicKey
    expect(receivedKey(key, 'bundle.malformed').serialize()).toEqual(key)
    const longer = Uint8Array.of(...key, 0)
    const wrong = [
      new Uint8Array(),
      key.slice(1),
      key.slice(0, 32),
      longer,
      Uint8Array.of(4, ...key.slice(1)),
    ]
    for (const bytes of wrong) expect(() => receivedKey(bytes, 'link.mismatch')).toThrow('link.mismatch')
  })
})
