import { randomBytes } from 'node:crypto'
import { IdentityKeyPair } from '@signalapp/libsignal-client'
import { DonationPermitRequestContext } from '@signalapp/libsignal-client/zkgroup.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toBase64Url, utf8, type Bytes } from '../../base/bytes.ts'
import { accessKeyHeader, permitHeader, type Bundle } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { createInvitationAgain } from '../index.ts'
import {
  ask,
  attestation,
  call,
  enrolDevice,
  hashOf,
  keyUpload,
  newDevice,
  type EnrolledDevice,
} from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { linkDevice } from '../testing/linking.ts'
import { drawPermits } from '../testing/permits.ts'
import { AnonymousClient, envelopeTo, TestClient, type WelcomeClient } from '../testing/sockets.ts'

const dayMs = 24 * 3_600_000
const noon = 20_000 * dayMs + dayMs / 2

let fixture: RelayFixture
let first: EnrolledDevice
let second: EnrolledDevice
let one: WelcomeClient
let two: WelcomeClient

beforeEach(async () => {
  fixture = await relayFixture({ clock: { now: () => noon } })
  first = await fixture.enrol('Alice')
  one = await connect(first)
  second = await linkDevice(fixture.address, first, one.token)
  two = await connect(second)
  await one.next('devicesChanged')
})

afterEach(async () => fixture.end())

const connect = async (device: EnrolledDevice): Promise<WelcomeClient> =>
  TestClient.connect(fixture.address, device)

const devicesOf = async (client: WelcomeClient): ReturnType<typeof call<'devices'>> =>
  call(fixture.address, 'devices', { token: client.token })

const bundleOf = async (device: EnrolledDevice): Promise<Bundle> =>
  call(fixture.address, 'bundle', {
    headers: { [accessKeyHeader]: toBase64Url(device.accessKey) },
    query: { accountId: device.accountId },
  })

describe('devices of an account', () => {
  test('are listed with their attestations, to themselves alone', async () => {
    const list = await devicesOf(two)
    expect(list.devices.map((device) => [device.deviceId, device.addedAt, device.lastSeenDay])).toEqual([
      [1, noon, 20_000 * dayMs],
      [2, noon, 20_000 * dayMs],
    ])
    expect(list.identityKey).toBe(toBase64Url(first.identity.publicKey.serialize()))
    expect(BigInt(list.revision)).toBe(two.welcome.devicesRevision)
    const bob = await connect(await fixture.enrol('Bob'))
    expect((await devicesOf(bob)).devices).toHaveLength(1)
  })

  test('a name reaches the others as it was sealed', async () => {
    const sealedName = toBase64Url(randomBytes(200))
    await call(fixture.address, 'nameDevice', { token: two.token, body: { sealedName } })
    const { devicesRevision } = await one.next('devicesChanged')
    const list = await devicesOf(one)
    expect(list.devices[1]?.sealedName).toBe(sealedName)
    expect(BigInt(list.revision)).toBe(devicesRevision)
    const body = { sealedName: toBase64Url(randomBytes(513)) }
    const long = await ask(fixture.address, 'PUT', '/v1/devices/name', { token: two.token, body })
    expect(long).toEqual({ status: 400, body: { code: 'request.malformed' } })
  })

  test('get bundles of each other without an access key', async () => {
    const bundle = await call(fixture.address, 'ownBundle', { token: one.token })
    expect(bundle.devices.map((device) => device.deviceId)).toEqual([2])
  })

  test('one that is removed is cut off at once, and puts no longer name it', async () => {
    await call(fixture.address, 'removeDevice', { token: one.token, query: { deviceId: '2' } })
    expect(await two.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
    expect(await two.closed).toEqual({ code: 1008 })
    await one.next('devicesChanged')
    const gone = { status: 401, body: { code: 'relay.deviceGone' } }
    expect(await ask(fixture.address, 'GET', '/v1/devices', { token: two.token })).toEqual(gone)
    const again = new TestClient(fixture.address)
    await again.prove(second)
    expect(await again.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
    const path = '/v1/devices?deviceId=2'
    expect(await ask(fixture.address, 'DELETE', path, { token: one.token })).toEqual({
      status: 404,
      body: { code: 'device.notFound' },
    })
    for (const wrong of ['0', '128', 'x', ''])
      expect(
        (await ask(fixture.address, 'DELETE', `/v1/devices?deviceId=${wrong}`, { token: one.token })).status,
      ).toBe(400)
    const sender = await AnonymousClient.connect(fixture.address)
    expect((await sender.put(first, utf8('x'))).outcome.case).toBe('stored')
  })

  test('a device may remove itself, also the last one', async () => {
    await call(fixture.address, 'removeDevice', { token: two.token, query: { deviceId: '2' } })
    expect(await two.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
    await call(fixture.address, 'removeDevice', { token: one.token, query: { deviceId: '1' } })
    const sender = await AnonymousClient.connect(fixture.address)
    expect((await sender.put(first, utf8('x'))).outcome.value).toMatchObject({ code: 'recipient.unknown' })
    expect((await bundleOf(first)).devices).toEqual([])
  })

  test('after a new invitation there is the new one alone', async () => {
    const { data, address } = fixture
    const { accountId } = first
    const invitation = await createInvitationAgain({
      data,
      account: accountId,
      address,
      clock: { now: () => noon },
    })
    expect(invitation).toMatchObject({ accountId, displayName: 'Alice' })
    const device = await enrolDevice(address, invitation.code, newDevice(777))
    expect([device.accountId, device.deviceId]).toEqual([accountId, limits.firstDeviceId])
    for (const client of [one, two])
      expect(await client.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
    // The new device has the id of an old one, whose token is still young.
    expect(await ask(address, 'GET', '/v1/keys', { token: one.token })).toEqual({
      status: 401,
      body: { code: 'relay.deviceGone' },
    })
    const client = await connect(device)
    expect(client.welcome.devicesRevision).toBeGreaterThan(two.welcome.devicesRevision)
    expect((await bundleOf(device)).identityKey).toBe(toBase64Url(device.identity.publicKey.serialize()))
    const sender = await AnonymousClient.connect(address)
    expect((await sender.put(first, utf8('x'))).outcome.value).toMatchObject({ code: 'access.denied' })
    expect((await sender.put(device, utf8('x'))).outcome.case).toBe('stored')
  })
})

/** The keys of an account after a device was lost. */
function renewed(device: EnrolledDevice, identity: IdentityKeyPair, accessKey: Bytes): EnrolledDevice {
  return { ...device, identity, accessKey }
}

function replaceBody(
  before: EnrolledDevice,
  after: EnrolledDevice,
  keep: readonly number[],
): Record<string, unknown> {
  return {
    keep,
    previousIdentityKey: toBase64Url(before.identity.publicKey.serialize()),
    accessKeyHash: hashOf(after.accessKey),
    ...adoptBody(after),
  }
}

function adoptBody(device: EnrolledDevice): Record<string, unknown> {
  return {
    identityKey: toBase64Url(device.identity.publicKey.serialize()),
    attestation: attestation(device.identity, device),
    keys: keyUpload(device.identity, 1),
  }
}

describe('a new identity key', () => {
  test('removes whoever is not kept; the others have no keys until they adopt it, and nobody waits for them', async () => {
    const third = await linkDevice(fixture.address, first, one.token)
    const three = await connect(third)
    const [identity, accessKey] = [IdentityKeyPair.generate(), new Uint8Array(randomBytes(16))]
    const [me, other] = [renewed(first, identity, accessKey), renewed(third, identity, accessKey)]
    const body = replaceBody(first, me, [third.deviceId, 99])
    const { revision } = await call(fixture.address, 'replaceIdentity', { token: one.token, body })
    expect(await two.next('refusal')).toMatchObject({ code: 'relay.deviceGone' })
    expect(await three.next('devicesChanged')).toMatchObject({ devicesRevision: BigInt(revision) })
    expect((await bundleOf(me)).devices.map((device) => device.deviceId)).toEqual([1])
    const token = three.token
    for (const [method, path, sent] of [
      ['GET', '/v1/certificate', undefined],
      ['PUT', '/v1/keys', keyUpload(identity, 1)],
      ['PUT', '/v1/identity', replaceBody(third, renewed(third, IdentityKeyPair.generate(), accessKey), [])],
    ] as const) {
      expect(await ask(fixture.address, method, path, { token, body: sent })).toEqual({
        status: 409,
        body: { code: 'identity.superseded' },
      })
    }
    const sender = await AnonymousClient.connect(fixture.address)
    expect((await sender.put(me, utf8('x'))).outcome.case).toBe('stored')
    expect((await one.put(first.accountId, [envelopeTo(third, utf8('new keys'))])).outcome.case).toBe(
      'stored',
    )
    expect(await three.envelopes(1)).toHaveLength(1)
    await call(fixture.address, 'adoptIdentity', { token, body: adoptBody(other) })
    expect((await bundleOf(me)).devices.map((device) => device.deviceId)).toEqual([1, 3])
    expect((await sender.put(me, utf8('x'))).outcome).toMatchObject({
      case: 'deviceMismatch',
      value: { missing: [3] },
    })
    expect((await ask(fixture.address, 'GET', '/v1/certificate', { token })).status).toBe(200)
  })

  test('is refused whole when anything of it is wrong', async () => {
    const me = renewed(first, IdentityKeyPair.generate(), new Uint8Array(randomBytes(16)))
    const body = replaceBody(first, me, [])
    const elsewhere = attestation(me.identity, { ...me, deviceId: 2 })
    const tries: [number, string, Record<string, unknown>][] = [
      [400, 'request.malformed', { keep: [0] }],
      [400, 'device.attestation', { attestation: elsewhere }],
      [400, 'keys.signature', { keys: keyUpload(first.identity, 1) }],
      [400, 'request.malformed', { accessKeyHash: undefined }],
    ]
    for (const [status, code, change] of tries) {
      const answer = await ask(fixture.address, 'PUT', '/v1/identity', {
        token: one.token,
        body: { ...body, ...change },
      })
      expect(answer).toEqual({ status, body: { code } })
    }
    expect((await devicesOf(one)).devices).toHaveLength(2)
    expect((await bundleOf(first)).devices).toHaveLength(2)
    const wrong = await ask(fixture.address, 'PUT', '/v1/identity/device', {
      token: two.token,
      body: adoptBody(renewed(second, me.identity, me.accessKey)),
    })
    expect(wrong).toEqual({ status: 409, body: { code: 'identity.superseded' } })
  })
})

describe('permits', () => {
  test('are drawn within the day’s budget, at most so many at once', async () => {
    const draw = async (count: number): ReturnType<typeof ask> => {
      const request = toBase64Url(DonationPermitRequestContext.forCount(count).request().serialize())
      return ask(fixture.address, 'POST', '/v1/permits', { token: one.token, body: { request } })
    }
    const malformed = { status: 400, body: { code: 'request.malformed' } }
    expect(await draw(limits.permitsAtOnce + 1)).toEqual(malformed)
    for (const bytes of [randomBytes(9 + 32), randomBytes(40), randomBytes(9)]) {
      const body = { request: toBase64Url(bytes) }
      expect(await ask(fixture.address, 'POST', '/v1/permits', { token: one.token, body })).toEqual(malformed)
    }
    let left: number = limits.permitsPerDay
    while (left > 0) {
      left -= limits.permitsAtOnce
      expect(await draw(limits.permitsAtOnce)).toMatchObject({ status: 200, body: { left } })
    }
    expect(await draw(1)).toEqual({
      status: 429,
      body: { code: 'permit.exhausted', retryAfterMs: dayMs / 2 },
    })
  })

  test('pay for a bundle once; what else is shown opens nothing', async () => {
    const bob = await fixture.enrol('Bob')
    const [permit] = await drawPermits(fixture.address, one.token, 1, noon)
    const path = `/v1/bundle?accountId=${bob.accountId}`
    const paid = { [permitHeader]: toBase64Url(permit ?? new Uint8Array(0)) }
    const key = { [accessKeyHeader]: toBase64Url(bob.accessKey) }
    const refusals: [string, Parameters<typeof ask>[3]][] = [
      ['access.denied', {}],
      ['access.denied', { token: one.token }],
      ['access.denied', { headers: { ...paid, ...key } }],
      ['access.denied', { headers: { [accessKeyHeader]: toBase64Url(randomBytes(16)) } }],
      ['access.denied', { headers: { [accessKeyHeader]: '***' } }],
      ['permit.invalid', { headers: { [permitHeader]: toBase64Url(randomBytes(65)) } }],
    ]
    for (const [code, options] of refusals)
      expect(await ask(fixture.address, 'GET', path, options)).toEqual({ status: 403, body: { code } })
    const unknown = '/v1/bundle?accountId=00000000-0000-4000-8000-000000000000'
    expect((await ask(fixture.address, 'GET', unknown, { headers: key })).status).toBe(403)
    expect((await ask(fixture.address, 'GET', unknown, { headers: paid })).status).toBe(404)
    expect((await ask(fixture.address, 'GET', path, { headers: paid })).status).toBe(200)
    expect(await ask(fixture.address, 'GET', path, { headers: paid })).toEqual({
      status: 403,
      body: { code: 'permit.invalid' },
    })
  })
})
