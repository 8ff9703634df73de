import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PublicKey, SenderCertificate } from '@signalapp/libsignal-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { anchorsHash } from '../../wire/anchors.ts'
import { attestationInput } from '../../wire/authentication.ts'
import { accessKeyHeader, healthPath, permitHeader, type RouteAnswer } from '../../wire/http.ts'
import { parseInvitation } from '../../wire/invitation.ts'
import { limits } from '../../wire/limits.ts'
import { createInvitation } from '../index.ts'
import {
  ask,
  call,
  enrolBody,
  enrolDevice,
  keyUpload,
  newDevice,
  uuidOf,
  type EnrolledDevice,
} from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { drawPermits } from '../testing/permits.ts'
import { AnonymousClient, TestClient } from '../testing/sockets.ts'

let fixture: RelayFixture
let now = 1_800_000_000_000
let alice: EnrolledDevice
let bob: EnrolledDevice
let token: string

beforeAll(async () => {
  fixture = await relayFixture({ clock: { now: () => now } })
  alice = await fixture.enrol('Alice Dupont')
  bob = await fixture.enrol('Bob Martin', 3)
  token = (await TestClient.connect(fixture.address, alice)).token
})

afterAll(async () => fixture.end())

function bytes(text: string): Bytes {
  return fromBase64Url(text) ?? new Uint8Array(0)
}

/** An enrolment with a code that is good. */
async function enrolWith(code: string, device = newDevice()): Promise<Record<string, unknown>> {
  const { account } = await call(fixture.address, 'invitation', { body: { code } })
  return enrolBody(code, account.accountId, device)
}

const nobody = '00000000-0000-4000-8000-000000000000'

const post = async (path: string, body: unknown): ReturnType<typeof ask> =>
  ask(fixture.address, 'POST', path, { body })

describe('invitations', () => {
  test('the anchors are those of the invitation', async () => {
    const { data, address } = fixture
    const invitation = parseInvitation((await createInvitation({ data, name: 'X', address })).text)
    const anchors = await call(address, 'anchors')
    expect(anchorsHash(bytes(anchors.trustRoot), bytes(anchors.zkPublicParams))).toEqual(invitation.anchors)
    expect(anchors).toMatchObject({ relayId: fixture.relay.relayId, organisation: 'Ministère des essais' })
  })

  test('looking uses nothing up; using it does; the same device gets the same answer again', async () => {
    const code = await fixture.invite('Chloé Petit')
    for (let n = 0; n < 2; n += 1) {
      const { account } = await call(fixture.address, 'invitation', { body: { code: code.toLowerCase() } })
      expect(account.displayName).toBe('Chloé Petit')
    }
    const body = await enrolWith(code)
    const first = await call(fixture.address, 'enrol', { body })
    now += limits.invitationMs + 1
    expect(await call(fixture.address, 'enrol', { body })).toEqual(first)
    expect(await post('/v1/enrol', enrolBody(code, nobody, newDevice()))).toEqual({
      status: 410,
      body: { code: 'invitation.used' },
    })
    expect(await post('/v1/invitation', { code })).toEqual({ status: 410, body: { code: 'invitation.used' } })
    token = (await TestClient.connect(fixture.address, alice)).token
  })

  test('two devices at once: one enrols', async () => {
    const code = await fixture.invite('Race')
    const both = await Promise.all(
      [await enrolWith(code), await enrolWith(code)].map(async (body) => post('/v1/enrol', body)),
    )
    expect(both.map((answer) => answer.status).toSorted()).toEqual([200, 410])
  })

  test('unknown, mistyped and expired codes are told apart', async () => {
    expect(await post('/v1/invitation', { code: '000000000000' })).toEqual({
      status: 404,
      body: { code: 'invitation.unknown' },
    })
    expect(await post('/v1/invitation', { code: '00000000000U' })).toEqual({
      status: 400,
      body: { code: 'invitation.malformed' },
    })
    const code = await createInvitation({
      data: fixture.data,
      name: 'Late',
      address: fixture.address,
      clock: { now: () => now - limits.invitationMs },
    })
    expect(await post('/v1/invitation', { code: code.code })).toEqual({
      status: 410,
      body: { code: 'invitation.expired' },
    })
    expect(await post('/v1/enrol', enrolBody(code.code, nobody, newDevice()))).toEqual({
      status: 410,
      body: { code: 'invitation.expired' },
    })
  })

  test('a proof or a key with a bad signature enrols nobody and uses nothing up', async () => {
    const code = await fixture.invite('Prudence')
    const device = newDevice()
    const body = await enrolWith(code, device)
    const other = await enrolWith(await fixture.invite('Other'), device)
    const stranger = keyUpload(newDevice().identity, 1)
    const keys = keyUpload(device.identity, 1)
    const zero = toBase64Url(new Uint8Array(64))
    const tries: [string, Record<string, unknown>][] = [
      ['keys.signature', { proof: zero }],
      ['keys.signature', { registrationId: device.registrationId + 1 }],
      ['keys.signature', { keys: { ...keys, signedPreKey: stranger.signedPreKey } }],
      ['keys.signature', { keys: { ...keys, lastResortKyberPreKey: stranger.lastResortKyberPreKey } }],
      ['keys.signature', { keys: { ...keys, oneTimeKyberPreKeys: stranger.oneTimeKyberPreKeys } }],
      [
        'keys.malformed',
        { keys: { ...keys, oneTimePreKeys: [...keys.oneTimePreKeys, ...keys.oneTimePreKeys] } },
      ],
      [
        'keys.malformed',
        { keys: { ...keys, oneTimePreKeys: [{ keyId: 1, publicKey: toBase64Url(new Uint8Array(33)) }] } },
      ],
      [
        'keys.malformed',
        {
          keys: {
            ...keys,
            oneTimeKyberPreKeys: [
              { keyId: 1, publicKey: toBase64Url(new Uint8Array(1569)), signature: zero },
            ],
          },
        },
      ],
      ['device.attestation', { attestation: zero }],
      ['device.attestation', { attestation: other['attestation'] }],
      ['request.malformed', { accessKeyHash: undefined }],
      ['request.malformed', { keys: { ...keys, lastResortKyberPreKey: undefined } }],
      ['request.malformed', { deviceName: 'Poste de Prudence' }],
      ['request.malformed', { registrationId: limits.registrationIdMax + 1 }],
    ]
    for (const [expected, change] of tries) {
      expect(await post('/v1/enrol', { ...body, ...change })).toEqual({
        status: 400,
        body: { code: expected },
      })
    }
    expect((await post('/v1/enrol', body)).status).toBe(200)
  })

  test('guessing is slowed down, for an address and for a code', async () => {
    const strict = await relayFixture({ budgets: { address: { requests: 3, perMs: 3_600_000 } } })
    const answers = []
    for (let n = 0; n < 5; n += 1)
      answers.push(await ask(strict.address, 'POST', '/v1/invitation', { body: { code: '000000000000' } }))
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404, 429, 429])
    expect(answers[4]?.body).toMatchObject({
      code: 'relay.tooManyRequests',
      retryAfterMs: expect.any(Number),
    })
    await strict.end()
  })
})

describe('tokens', () => {
  test('a foreign, altered, expired or missing token opens nothing', async () => {
    const other = await relayFixture()
    const foreign = (await TestClient.connect(other.address, await other.enrol('Alice'))).token
    const altered = `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    for (const wrong of [foreign, altered, 'x', '']) {
      expect(await ask(fixture.address, 'GET', '/v1/keys', { token: wrong })).toEqual({
        status: 401,
        body: { code: 'relay.unauthorised' },
      })
    }
    expect((await ask(fixture.address, 'GET', '/v1/keys')).status).toBe(401)
    const client = await TestClient.connect(fixture.address, bob)
    now += limits.tokenMs
    expect((await ask(fixture.address, 'GET', '/v1/keys', { token: client.token })).status).toBe(401)
    client.send({ case: 'requestToken', value: {} })
    const fresh = await client.next('token')
    expect((await ask(fixture.address, 'GET', '/v1/keys', { token: fresh.value })).status).toBe(200)
    token = (await TestClient.connect(fixture.address, alice)).token
    await client.end()
    await other.end()
  })
})

describe('keys', () => {
  const headers = (device: EnrolledDevice): Record<string, string> => ({
    [accessKeyHeader]: toBase64Url(device.accessKey),
  })

  test('bundles take one-time keys until the last resort is left; an upload fills up again', async () => {
    const query = { accountId: bob.accountId }
    const bundle = async (): ReturnType<typeof call<'bundle'>> =>
      call(fixture.address, 'bundle', { headers: headers(bob), query })
    const ids = []
    for (let n = 0; n < 4; n += 1) {
      const [device] = (await bundle()).devices
      ids.push([device?.preKey?.keyId ?? null, device?.kyberPreKey.keyId])
    }
    expect(ids).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [null, 0xff_ffff],
    ])
    const bobs = await TestClient.connect(fixture.address, bob)
    expect(await call(fixture.address, 'keyCount', { token: bobs.token })).toEqual({
      oneTimePreKeys: 0,
      oneTimeKyberPreKeys: 0,
    })
    const body = keyUpload(bob.identity, 100, 500)
    const full = { oneTimePreKeys: 100, oneTimeKyberPreKeys: 100 }
    expect(await call(fixture.address, 'uploadKeys', { token: bobs.token, body })).toEqual(full)
    const [device] = (await bundle()).devices
    expect(device?.preKey?.keyId).toBe(500)
    const attested = attestationInput({ ...bob, accountId: uuidOf(bob.accountId) })
    expect(bob.identity.publicKey.verify(attested, bytes(device?.attestation ?? ''))).toBe(true)
    expect(device?.deviceKey).toBe(toBase64Url(bob.deviceKey))
    const anew = { ...keyUpload(bob.identity, 100, 700), replaceOneTime: true }
    expect(await call(fixture.address, 'uploadKeys', { token: bobs.token, body: anew })).toEqual(full)
    expect((await bundle()).devices[0]?.preKey?.keyId).toBe(700)
    const wrong = await ask(fixture.address, 'PUT', '/v1/keys', { token, body })
    expect(wrong).toEqual({ status: 400, body: { code: 'keys.signature' } })
    await bobs.end()
  })

  test('an unknown account has no entry', async () => {
    const path = `/v1/account?accountId=${nobody}`
    expect(await ask(fixture.address, 'GET', path, { token })).toEqual({
      status: 404,
      body: { code: 'recipient.unknown' },
    })
  })

  test('bundles and directory pages have budgets', async () => {
    const single = { requests: 1, perMs: 3_600_000 }
    const strict = await relayFixture({
      budgets: { bundle: single, recipientBundle: single, directory: single },
    })
    const one = await strict.enrol('One')
    const asking = (await TestClient.connect(strict.address, one)).token
    const bundle = `/v1/bundle?accountId=${one.accountId}`
    const wrong = { [accessKeyHeader]: toBase64Url(new Uint8Array(16)) }
    // Who may not is no burden to who may.
    for (let n = 0; n < 3; n += 1)
      expect((await ask(strict.address, 'GET', bundle, { headers: wrong })).status).toBe(403)
    for (const [path, by] of [
      [bundle, { headers: headers(one) }],
      ['/v1/bundle/own', { token: asking }],
      ['/v1/directory', { token: asking }],
    ] as const) {
      expect((await ask(strict.address, 'GET', path, by)).status).toBe(200)
      expect((await ask(strict.address, 'GET', path, by)).status).toBe(429)
    }
    await strict.end()
  })

  test('one permit, shown again and again, keeps neither contacts nor other permits from an account', async () => {
    const few = await relayFixture({
      clock: { now: () => now },
      budgets: { recipientBundle: { requests: 2, perMs: 3_600_000 } },
    })
    const one = await few.enrol('One')
    const drawer = (await TestClient.connect(few.address, one)).token
    const permits = await drawPermits(few.address, drawer, 3, now)
    const bundle = `/v1/bundle?accountId=${one.accountId}`
    const shown = (permit: Uint8Array | undefined): { headers: Record<string, string> } => ({
      headers: { [permitHeader]: toBase64Url(permit ?? new Uint8Array(0)) },
    })
    const status = async (by: { headers: Record<string, string> }): Promise<number> =>
      (await ask(few.address, 'GET', bundle, by)).status
    expect(await status(shown(permits[0]))).toBe(200)
    for (let n = 0; n < 3; n += 1) expect(await status(shown(permits[0]))).toBe(403)
    expect(await status(shown(permits[1]))).toBe(200)
    expect(await status(shown(permits[2]))).toBe(429)
    expect(await status({ headers: headers(one) })).toBe(200)
    await few.end()
  })

  test('a sender certificate says who asked, and validates under the trust root until its time', async () => {
    const answer = await call(fixture.address, 'certificate', { token })
    const certificate = SenderCertificate.deserialize(bytes(answer.certificate))
    const root = PublicKey.deserialize(bytes((await call(fixture.address, 'anchors')).trustRoot))
    expect([certificate.senderUuid(), certificate.senderDeviceId(), certificate.senderE164()]).toEqual([
      alice.accountId,
      1,
      null,
    ])
    expect(certificate.key().equals(alice.identity.publicKey)).toBe(true)
    expect(certificate.expiration()).toBe(now + limits.certificateMs)
    expect(answer.expiresAt).toBe(certificate.expiration())
    expect(certificate.validate(root, answer.expiresAt - 1)).toBe(true)
    expect(certificate.validate(root, answer.expiresAt + 1)).toBe(false)
    expect(certificate.validate(alice.identity.publicKey, now)).toBe(false)
  })
})

describe('the directory', () => {
  test('pages over more than one page, without the one who asks', async () => {
    const many = await relayFixture({ budgets: { address: { requests: 10_000, perMs: 3_600_000 } } })
    const me = await many.enrol('Moi', 0)
    for (let n = 0; n < limits.directoryPage + 5; n += 1)
      await enrolDevice(many.address, await many.invite(`Agent ${n}`), newDevice(), 0)
    const mine = (await TestClient.connect(many.address, me)).token
    const page = async (after?: string | null): Promise<RouteAnswer<'directory'>> =>
      call(many.address, 'directory', { token: mine, query: after ? { after } : {} })
    const total = limits.directoryPage + 5
    // More people than a page: nobody is shown before one asks on.
    const number = await page()
    expect(number).toMatchObject({ entries: [], total })
    const first = await page(number.next)
    expect([first.entries.length, first.total]).toEqual([limits.directoryPage, total])
    const second = await page(first.next)
    expect([second.entries.length, second.next, second.total]).toEqual([5, null, total])
    expect(new Set([...first.entries, ...second.entries].map((e) => e.accountId)).size).toBe(total)
    const few = await call(many.address, 'directory', { token: mine, query: { query: 'agent 12' } })
    expect(few).toMatchObject({ entries: [{ displayName: 'Agent 12' }], next: null, total: 1 })
    for (const after of [
      'rubbish',
      '.',
      'x.3',
      me.accountId,
      `${me.accountId}.x`,
      `${me.accountId}.9999999999`,
    ]) {
      const path = `/v1/directory?after=${after}`
      expect((await ask(many.address, 'GET', path, { token: mine })).status).toBe(400)
    }
    await many.end()
  })
})

describe('bad requests', () => {
  test('each gets its status and its code, and no text', async () => {
    const tries: [string, string, Parameters<typeof ask>[3], number, string][] = [
      ['GET', '/v1/nothing', {}, 404, 'request.notFound'],
      ['DELETE', '/v1/keys', {}, 404, 'request.notFound'],
      ['POST', '/v1/enrol', { raw: '{"code":' }, 400, 'request.malformed'],
      ['POST', '/v1/enrol', { raw: '[]' }, 400, 'request.malformed'],
      ['POST', '/v1/enrol', { raw: '{"__proto__":{}}' }, 400, 'request.malformed'],
      [
        'POST',
        '/v1/enrol',
        { raw: JSON.stringify('x'.repeat(limits.httpBodyBytes)) },
        413,
        'request.tooLarge',
      ],
      ['GET', '/v1/account?accountId=1', { token }, 400, 'request.malformed'],
      ['GET', `/v1/account?accountId=${alice.accountId.toUpperCase()}`, { token }, 400, 'request.malformed'],
      ['GET', '/v1/directory?query=a+b+c+d+e+f+g+h+i+j+k+l+m', { token }, 400, 'request.malformed'],
      ['GET', '/v1/directory?unknown=1', { token }, 400, 'request.malformed'],
      ['GET', `/v1/directory?query=${'a'.repeat(65)}`, { token }, 400, 'request.malformed'],
    ]
    for (const [method, path, options, status, code] of tries) {
      expect(await ask(fixture.address, method, path, options)).toEqual({ status, body: { code } })
    }
    expect((await ask(fixture.address, 'GET', healthPath)).body).toEqual({ status: 'ok' })
  })
})

test('nothing that says who writes to whom, and no code or token, lies in the data folder', async () => {
  const alices = await TestClient.connect(fixture.address, alice)
  const sender = await AnonymousClient.connect(fixture.address)
  const [permit] = await drawPermits(fixture.address, alices.token, 1, now)
  await sender.put(bob, Buffer.from('paid'), randomBytes(16), { permit: permit ?? new Uint8Array(0) })
  const marked = 'MARKED-BODY-1f6c'
  for (let n = 0; n < 20; n += 1) await sender.put(bob, Buffer.from(`${marked} ${n}`))
  const code = await fixture.invite('Marked')
  const queue = await queueRows()
  expect(queue.length).toBeGreaterThanOrEqual(20)
  const ids = [alice.accountId.replaceAll('-', ''), Buffer.from(alice.deviceKey).toString('hex')]
  for (const row of queue) {
    expect(Object.keys(row).toSorted()).toEqual(['body', 'device', 'id', 'message_id', 'received_at'])
    const hex = Object.values(row).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : '',
    )
    for (const id of ids) expect(hex.join(' ')).not.toContain(id)
  }
  const secrets = [
    Buffer.from(code),
    Buffer.from(alices.token),
    Buffer.from(bob.accessKey),
    Buffer.from(permit ?? '-'),
  ]
  for (const name of await readdir(fixture.data, { recursive: true })) {
    const content = await readFile(join(fixture.data, name)).catch(() => Buffer.alloc(0))
    for (const secret of secrets) expect(content.includes(secret)).toBe(false)
  }
  await alices.end()
  await sender.end()
})

async function queueRows(): Promise<Record<string, unknown>[]> {
  const { openDatabase } = await import('../store/sqliteOpen.ts')
  const db = openDatabase(join(fixture.data, 'relay.db'))
  const rows = db.prepare<[], Record<string, unknown>>('SELECT * FROM queue').all()
  db.close()
  return rows
}
