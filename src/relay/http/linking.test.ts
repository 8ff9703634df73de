import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toBase64Url, type Bytes } from '../../base/bytes.ts'
import { limits } from '../../wire/limits.ts'
import { ask, attestation, call, keyUpload, newDevice, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import {
  answerLink,
  completeBody,
  linkDevice,
  offerLink,
  siblingOf,
  textsOf,
  type LinkingDevice,
} from '../testing/linking.ts'
import { TestClient } from '../testing/sockets.ts'

let now = 1_800_000_000_000
let fixture: RelayFixture
let alice: EnrolledDevice
let token: string

beforeEach(async () => {
  fixture = await relayFixture({ clock: { now: () => now } })
  alice = await fixture.enrol('Alice')
  token = (await TestClient.connect(fixture.address, alice)).token
})

afterEach(async () => fixture.end())

const post = async (step: string, body: unknown, by?: string): ReturnType<typeof ask> =>
  ask(fixture.address, 'POST', `/v1/link/${step}`, { body, ...(by === undefined ? {} : { token: by }) })

const idOf = ({ linkId }: LinkingDevice): { linkId: string } => ({ linkId: toBase64Url(linkId) })
const unknown = { status: 404, body: { code: 'link.unknown' } }

async function tokenOf(device: EnrolledDevice): Promise<string> {
  return (await TestClient.connect(fixture.address, device)).token
}

test('a new device gets the keys that the old one leaves for it, once, and is one of the account', async () => {
  const offer = await offerLink(fixture.address)
  expect(await post('offer', textsOf(offer))).toEqual({
    status: 200,
    body: { expiresAt: now + limits.linkMs },
  })
  expect(await post('take', idOf(offer))).toEqual({ status: 200, body: { sealed: null } })
  const { ephemeralKey, nonce } = textsOf(offer)
  expect(await post('find', idOf(offer), token)).toEqual({ status: 200, body: { ephemeralKey, nonce } })
  const { deviceId, secret } = await call(fixture.address, 'linkReserve', { token, body: idOf(offer) })
  expect(deviceId).toBe(2)
  const sealed = toBase64Url(randomBytes(100))
  for (let n = 0; n < 2; n += 1)
    expect((await post('answer', { ...idOf(offer), sealed }, token)).status).toBe(200)
  expect(await post('take', idOf(offer))).toEqual({ status: 200, body: { sealed } })
  expect(await post('take', idOf(offer))).toEqual(unknown)
  expect((await post('answer', { ...idOf(offer), sealed }, token)).status).toBe(200)
  const other = { ...idOf(offer), sealed: toBase64Url(randomBytes(9)) }
  expect(await post('answer', other, token)).toEqual(unknown)
  const device = siblingOf(alice, deviceId)
  const body = completeBody(offer.linkId, secret, device)
  const answer = await post('complete', body)
  expect(answer).toMatchObject({ status: 200, body: { account: { accountId: alice.accountId } } })
  // The answer may have been lost, and the relay restarted meanwhile.
  expect(await post('complete', body)).toEqual(answer)
  fixture = await fixture.restart()
  expect(await post('complete', body)).toEqual(answer)
  const stolen = { ...siblingOf(alice, deviceId), deviceKey: device.deviceKey }
  expect(await post('complete', completeBody(offer.linkId, secret, stolen))).toEqual({
    status: 400,
    body: { code: 'keys.signature' },
  })
  expect(await post('complete', completeBody(offer.linkId, secret, siblingOf(alice, 2)))).toEqual(unknown)
  const client = await TestClient.connect(fixture.address, device)
  expect((await call(fixture.address, 'devices', { token: client.token })).devices).toHaveLength(2)
})

test('an offer is found under its own id until its time is over, by who has tries left', async () => {
  const offer = await offerLink(fixture.address)
  const wrong = { linkId: toBase64Url(randomBytes(32)) }
  for (let n = 0; n < limits.linkTries - 1; n += 1) expect(await post('find', wrong, token)).toEqual(unknown)
  expect((await post('find', idOf(offer), token)).status).toBe(200)
  expect(await post('find', idOf(offer), token)).toEqual({
    status: 429,
    body: { code: 'link.tooManyTries', retryAfterMs: limits.linkMs },
  })
  const bobs = await tokenOf(await fixture.enrol('Bob'))
  expect((await post('find', idOf(offer), bobs)).status).toBe(200)
  now += limits.linkMs
  const later = await tokenOf(alice)
  for (const step of ['find', 'reserve']) expect(await post(step, idOf(offer), later)).toEqual(unknown)
  expect(await post('take', idOf(offer))).toEqual(unknown)
})

test('only who found it reserves, only who reserved answers', async () => {
  const offer = await offerLink(fixture.address)
  const bobs = await tokenOf(await fixture.enrol('Bob'))
  const sealed = toBase64Url(randomBytes(9))
  expect(await post('reserve', idOf(offer), token)).toEqual(unknown)
  await call(fixture.address, 'linkFind', { token, body: idOf(offer) })
  expect(await post('answer', { ...idOf(offer), sealed }, token)).toEqual(unknown)
  await call(fixture.address, 'linkReserve', { token, body: idOf(offer) })
  await call(fixture.address, 'linkFind', { token: bobs, body: idOf(offer) })
  expect(await post('reserve', idOf(offer), bobs)).toEqual(unknown)
  expect(await post('answer', { ...idOf(offer), sealed }, bobs)).toEqual(unknown)
  expect((await post('answer', { ...idOf(offer), sealed }, token)).status).toBe(200)
})

test('an offer cannot be exchanged, and each is made with a proper key', async () => {
  const offer = await offerLink(fixture.address)
  const other = { ...textsOf(offer), ephemeralKey: textsOf(await offerLink(fixture.address)).ephemeralKey }
  expect(await post('offer', other)).toEqual(unknown)
  const short = { ...textsOf(offer), nonce: toBase64Url(randomBytes(15)) }
  expect((await post('offer', short)).status).toBe(400)
})

test('nothing is made of a wrong secret, account, device, proof, attestation or key', async () => {
  const bob = await fixture.enrol('Bob')
  const { linkId } = await offerLink(fixture.address)
  const { deviceId, secret } = await answerLink(fixture.address, token, linkId)
  const device = siblingOf(alice, deviceId)
  const body = completeBody(linkId, secret, device)
  const stranger = newDevice()
  const tries: [string, Record<string, unknown>][] = [
    ['link.unknown', completeBody(linkId, toBase64Url(randomBytes(32)), device)],
    ['link.unknown', completeBody(new Uint8Array(randomBytes(32)), secret, device)],
    ['link.unknown', { ...body, accountId: bob.accountId }],
    ['link.unknown', { ...body, accountId: '00000000-0000-4000-8000-000000000000' }],
    ['link.unknown', completeBody(linkId, secret, { ...device, deviceId: 3 })],
    ['keys.signature', { ...body, proof: toBase64Url(new Uint8Array(64)) }],
    ['keys.signature', { ...body, registrationId: 1 }],
    ['keys.signature', { ...body, keys: keyUpload(stranger.identity, 1) }],
    ['device.attestation', { ...body, attestation: attestation(stranger.identity, device) }],
    ['device.attestation', { ...body, attestation: attestation(alice.identity, alice) }],
  ]
  for (const [code, sent] of tries) expect((await post('complete', sent)).body).toEqual({ code })
  expect((await call(fixture.address, 'devices', { token })).devices).toHaveLength(1)
  expect((await post('complete', body)).status).toBe(200)
})

test('a reservation counts as a device until its time is over; a second secret voids the first', async () => {
  const offers: LinkingDevice[] = []
  const spread = async (): Promise<Bytes> => {
    const offer = await offerLink(fixture.address)
    offers.push(offer)
    return offer.linkId
  }
  await linkDevice(fixture.address, alice, token)
  const { linkId } = await offerLink(fixture.address)
  const void_ = await answerLink(fixture.address, token, linkId)
  const valid = await call(fixture.address, 'linkReserve', { token, body: { linkId: toBase64Url(linkId) } })
  expect([void_.deviceId, valid.deviceId]).toEqual([3, 3])
  const next = await answerLink(fixture.address, token, await spread())
  expect(next.deviceId).toBe(4)
  const device = siblingOf(alice, 3)
  expect(await post('complete', completeBody(linkId, void_.secret, device))).toEqual(unknown)
  expect((await post('complete', completeBody(linkId, valid.secret, device))).status).toBe(200)
  now += limits.linkMs
  token = await tokenOf(alice)
  expect((await answerLink(fixture.address, token, await spread())).deviceId).toBe(4)
})

test('what a removed device reserved ends with it; another one may reserve the same offer', async () => {
  const thief = await linkDevice(fixture.address, alice, token)
  const { linkId } = await offerLink(fixture.address)
  const reserved = await answerLink(fixture.address, await tokenOf(thief), linkId)
  await call(fixture.address, 'removeDevice', { token, query: { deviceId: String(thief.deviceId) } })
  const device = siblingOf(alice, reserved.deviceId)
  expect(await post('complete', completeBody(linkId, reserved.secret, device))).toEqual(unknown)
  const { secret } = await answerLink(fixture.address, token, linkId)
  expect((await post('complete', completeBody(linkId, secret, device))).status).toBe(200)
})

test('an account has so many devices and no more', async () => {
  // As many as a day's budget allows, and the next ones on another day.
  const twoDaysMs = 48 * 3_600_000
  let found = 0
  for (let count = 2; count <= limits.devicesPerAccount; count += 1) {
    found += 1
    if (found % limits.linkTries === 0) {
      now += twoDaysMs
      token = await tokenOf(alice)
    }
    await linkDevice(fixture.address, alice, token)
  }
  now += twoDaysMs
  token = await tokenOf(alice)
  const offer = await offerLink(fixture.address)
  await call(fixture.address, 'linkFind', { token, body: idOf(offer) })
  expect(await post('reserve', idOf(offer), token)).toEqual({ status: 409, body: { code: 'device.limit' } })
  await call(fixture.address, 'removeDevice', { token, query: { deviceId: '5' } })
  const { deviceId } = await call(fixture.address, 'linkReserve', { token, body: idOf(offer) })
  expect(deviceId).toBe(limits.devicesPerAccount + 1)
})

test('an account links so many devices a day, is told so where the code was typed, and when it may again', async () => {
  for (let n = 0; n < 5; n += 1) {
    now += limits.linkMs
    token = await tokenOf(alice)
    await linkDevice(fixture.address, alice, token)
  }
  now += limits.linkMs
  token = await tokenOf(alice)
  const offer = await offerLink(fixture.address)
  await call(fixture.address, 'linkFind', { token, body: idOf(offer) })
  const { status, body } = await post('reserve', idOf(offer), token)
  expect([status, body]).toMatchObject([429, { code: 'budget.spent' }])
  const { retryAfterMs } = body as { readonly retryAfterMs: number }
  now += retryAfterMs
  token = await tokenOf(alice)
  await linkDevice(fixture.address, alice, token)
})

test('the public steps have a budget for a network address', async () => {
  const strict = await relayFixture({ budgets: { link: { requests: 2, perMs: 3_600_000 } } })
  const offer = await offerLink(strict.address)
  const take = async (): Promise<number> =>
    (await ask(strict.address, 'POST', '/v1/link/take', { body: idOf(offer) })).status
  expect([await take(), await take()]).toEqual([200, 429])
  await strict.end()
})
