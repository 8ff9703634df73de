import { SignalMessage, PreKeySignalMessage, CiphertextMessageType } from '@signalapp/libsignal-client'
import { afterEach, describe, expect, it } from 'vitest'
import { sameBytes, utf8 } from '../base/bytes.ts'
import { paddedSizes } from '../content/padding.ts'
import { deviceKey } from '../storage/records.ts'
import type { InnerCiphertext } from './sealedSender.ts'
import type { Lane } from './protocol.ts'
import { bundleOf, sealedMessage, startSessions, testAuthority } from './testkit.ts'
import { addressOf, hour, newEnvelopeId, TestRoom, textOf } from './testRoom.ts'

const room = new TestRoom()
const device = room.device.bind(room)
const pair = room.pair.bind(room)
const send = room.send.bind(room)
const open = room.open.bind(room)
const received = room.received.bind(room)
const exchange = room.exchange.bind(room)
const certificateOf = room.certificate.bind(room)

afterEach(() => room.remove())

function counterOf(inner: InnerCiphertext): number {
  if (inner.type === CiphertextMessageType.Whisper)
    return SignalMessage.deserialize(inner.ciphertext).counter()
  throw new Error('not a whisper message')
}

describe('the queue', () => {
  const threeAtOnce = async (lane?: Lane): Promise<number> => {
    const [a, b] = await pair(lane === undefined ? {} : { lane })
    await exchange(a, b)
    const inners = await Promise.all(
      ['un', 'deux', 'trois'].map((text) =>
        a.protocol.exclusively(async (turn) => {
          const inner = await turn.encrypt(addressOf(b), utf8(text))
          turn.writes.commit()
          return inner
        }),
      ),
    )
    return new Set(inners.map(counterOf)).size
  }

  it('gives three encryptions at once three counters', async () => {
    expect(await threeAtOnce()).toBe(3)
  })

  it('is what does it: without it the same message key serves three plaintexts', async () => {
    expect(await threeAtOnce({ run: (task) => task() })).toBe(1)
  })

  it('gives a turn that has ended no access', async () => {
    const [a, b] = await pair()
    const turn = await a.protocol.exclusively(async (held) => held)
    await expect(turn.encrypt(addressOf(b), utf8('x'))).rejects.toThrow('the turn has ended')
  })
})

describe('a conversation', () => {
  it('starts by PQXDH, goes on both ways, and goes on after restarts', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    a.restart()
    b.restart()
    for (let round = 0; round < 5; round += 1) await exchange(a, b)
  })

  it('survives that both begin at once', async () => {
    const [a, b] = await pair()
    await startSessions(b, a.local.accountId, bundleOf(a))
    const [toB, toA] = [await send(a, b, 'de A'), await send(b, a, 'de B')]
    expect(await received(b, toB)).toBe('de A')
    expect(await received(a, toA)).toBe('de B')
    for (let round = 0; round < 3; round += 1) await exchange(a, b)
  })

  it('still reads what was on its way when a session is begun anew', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const late = await send(b, a, 'en chemin')
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await received(a, late)).toBe('en chemin')
    for (let round = 0; round < 3; round += 1) await exchange(a, b)
  })

  it('cannot read a message that leaves many turns after it was encrypted, which is why order is kept', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const late = await send(a, b, 'trop tard')
    for (let turn = 0; turn < 11; turn += 1) await exchange(a, b)
    expect(await received(b, late)).not.toBe('trop tard')
  })

  it('carries a post-quantum part in each ratchet message', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const inner = await a.protocol.exclusively((turn) => turn.encrypt(addressOf(b), utf8('x')))
    expect(SignalMessage.deserialize(inner.ciphertext).pqRatchet().length).toBeGreaterThan(0)
  })

  it('shows one of few sizes only', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const sizes = new Set<number>()
    for (let length = 1; length <= 600; length += 13) {
      sizes.add((await send(a, b, 'x'.repeat(length))).length)
    }
    expect(sizes.size).toBeLessThanOrEqual(paddedSizes.filter((size) => size <= 800).length + 1)
  })

  it('keeps nothing of a receipt that was not committed', async () => {
    const [a, b] = await pair()
    const body = await send(a, b, 'une fois')
    const uncommitted = await open(b, body, { commit: false })
    expect(uncommitted.kind).toBe('opened')
    expect(b.records.begin().sessions.get(deviceKey(a.local.accountId, 1))).toBeNull()
    expect(await received(b, body)).toBe('une fois')
    expect(await received(b, body)).toBe('envelope.duplicate')
  })

  it('removes the one-time keys with the commit, not before', async () => {
    const [a, b] = await pair()
    const count = () => b.records.vault.sql.get<{ n: number }>('SELECT count(*) AS n FROM pre_key')?.n
    const kyber = () => b.records.vault.sql.get<{ n: number }>('SELECT count(*) AS n FROM kyber_pre_key')?.n
    const body = await send(a, b, 'bonjour')
    const before = [count(), kyber()]
    await open(b, body, { commit: false })
    expect([count(), kyber()]).toEqual(before)
    await open(b, body)
    expect([count(), kyber()]).toEqual([3, 4])
    expect(before).toEqual([4, 5])
  })

  it('goes on after a damaged envelope in the middle of a batch', async () => {
    const [a, b] = await pair()
    const bodies = [await send(a, b, 'un'), await send(a, b, 'deux'), await send(a, b, 'trois')]
    const damaged = bodies[1]?.slice() ?? new Uint8Array()
    damaged[damaged.length - 20] = (damaged[damaged.length - 20] ?? 0) ^ 1
    const results = await b.protocol.exclusively(async (turn) => {
      const opened = []
      for (const body of [bodies[0], damaged, new Uint8Array(), bodies[2]]) {
        opened.push(await turn.open(body ?? new Uint8Array(), Date.now(), newEnvelopeId()))
      }
      turn.writes.commit()
      return opened
    })
    expect(results.map(textOf)).toEqual(['un', 'envelope.malformed', 'envelope.malformed', 'trois'])
    expect(await received(b, bodies[1] ?? new Uint8Array())).toBe('deux')
  })
})

describe('prekeys', () => {
  it('works without one-time keys and says that the last-resort key was used', async () => {
    const a = device()
    const b = device({ oneTimeKeys: 0 })
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await open(b, await send(a, b, 'x'))).toMatchObject({
      kind: 'opened',
      lastResortUsed: b.upload.lastResortKyberPreKey?.keyId,
    })
  })

  it('refuses a replayed first message on a last-resort key, session or not', async () => {
    const a = device()
    const b = device({ oneTimeKeys: 0 })
    await startSessions(a, b.local.accountId, bundleOf(b))
    const body = await send(a, b, 'x')
    expect((await open(b, body)).kind).toBe('opened')
    await b.protocol.exclusively(async (turn) => {
      turn.dropSession(addressOf(a))
      turn.writes.commit()
    })
    expect(await received(b, body)).toBe('envelope.replayedKyberKey')
    b.restart()
    expect(await received(b, body)).toBe('envelope.replayedKyberKey')
  })

  it('refuses a first message on a one-time key that is gone', async () => {
    const [a, b] = await pair()
    const body = await send(a, b, 'x')
    await open(b, body)
    await b.protocol.exclusively(async (turn) => {
      turn.dropSession(addressOf(a))
      turn.writes.commit()
    })
    expect(await received(b, body)).toBe('envelope.unknownPreKey')
  })
})

describe('identities', () => {
  it('hold a changed identity in both directions, and the same envelope opens after the decision', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const reinstalled = device({ accountId: a.local.accountId })
    await startSessions(reinstalled, b.local.accountId, bundleOf(b))
    const body = await send(reinstalled, b, 'c’est moi')
    const result = await open(b, body)
    expect(result).toMatchObject({ kind: 'refused', code: 'identity.changed' })
    if (result.kind !== 'refused' || result.changedKey === null) throw new Error('no key')
    const { changedKey } = result
    expect(sameBytes(changedKey, reinstalled.identityKey)).toBe(true)

    await b.protocol.exclusively(async (turn) => {
      turn.holdIdentity(a.local.accountId, changedKey)
      turn.writes.commit()
    })
    await expect(send(b, a, 'secret')).rejects.toMatchObject({ code: 'identity.changed' })
    expect(await received(b, await send(a, b, 'de l’ancien poste'))).toBe('identity.changed')

    await b.protocol.exclusively(async (turn) => {
      turn.acceptIdentity(a.local.accountId, changedKey)
      turn.writes.commit()
    })
    expect(await received(b, body)).toBe('c’est moi')
    // The old device's messages stay refused: its session was deleted, not archived (libsignal.md 4.3).
    expect(await received(b, await send(a, b, 'encore'))).toBe('identity.changed')
  })

  it('refuses a bundle with another identity key and keeps the session', async () => {
    const [a, b] = await pair()
    await exchange(a, b)
    const stranger = device({ accountId: b.local.accountId })
    await expect(startSessions(a, b.local.accountId, bundleOf(stranger))).rejects.toMatchObject({
      code: 'identity.changed',
    })
    await exchange(a, b)
  })

  it('refuses a first message that speaks of another identity than its certificate, known or not', async () => {
    const [a, b] = [device(), device()]
    const stranger = device({ accountId: a.local.accountId })
    await startSessions(a, b.local.accountId, bundleOf(b))
    await startSessions(stranger, b.local.accountId, bundleOf(b))
    const inner = await stranger.protocol.exclusively((turn) => turn.encrypt(addressOf(b), utf8('x')))
    const body = await a.protocol.exclusively((turn) => turn.seal(addressOf(b), inner, certificateOf(a)))
    const mixed = { kind: 'refused', code: 'certificate.sender', changedKey: null }
    expect(await open(b, body)).toMatchObject(mixed)
    expect(b.records.begin().identities.get(a.local.accountId)).toBeNull()
    await exchange(a, b)
    expect(await open(b, body)).toMatchObject(mixed)
    await exchange(a, b)
  })

  it('refuses a message under a certificate of another identity', async () => {
    const [a, b] = await pair()
    const stranger = device({ accountId: a.local.accountId })
    const body = await sealedMessage(a, b, utf8('x'), certificateOf(stranger))
    // libsignal binds the sealed layer to the certificate's key: it does not even open.
    expect(await received(b, body)).toBe('envelope.malformed')
    expect(await received(b, await send(a, b, 'y'))).toBe('y')
  })
})

describe('certificates and bundles', () => {
  it('judges certificates at the reception time', async () => {
    const [a, b] = await pair()
    const body = await sealedMessage(a, b, utf8('x'), certificateOf(a, 5_000))
    const at = (time: number) => b.protocol.exclusively((turn) => turn.open(body, time, newEnvelopeId()))
    expect(await at(5_000)).toMatchObject({ code: 'certificate.expired' })
    expect(await at(4_999)).toMatchObject({ kind: 'opened' })
  })

  it('refuses certificates of another root', async () => {
    const [a, b] = await pair()
    const body = await sealedMessage(a, b, utf8('x'), testAuthority().certificate(a, Date.now() + hour))
    expect(await received(b, body)).toBe('certificate.untrusted')
  })

  it('refuses a message that comes back to its own sender', async () => {
    const [a, b] = await pair()
    await startSessions(a, a.local.accountId, bundleOf(a))
    const body = await send(a, a, 'x')
    expect(await received(a, body)).toBe('envelope.ownMessage')
    expect(await received(a, await send(a, b, 'pour une autre'))).toBe('envelope.malformed')
  })

  it('refuses a bundle with a bad signature and leaves nothing behind', async () => {
    const [a, b] = [device(), device()]
    const bundle = bundleOf(b)
    const other = bundleOf(device())
    const forged = bundle.devices.map((d) => ({
      ...d,
      signedPreKey: other.devices[0]?.signedPreKey ?? d.signedPreKey,
    }))
    await expect(startSessions(a, b.local.accountId, { ...bundle, devices: forged })).rejects.toMatchObject({
      code: 'bundle.signature',
    })
    expect(a.records.begin().identities.get(b.local.accountId)).toBeNull()
    await expect(send(a, b, 'x')).rejects.toMatchObject({ code: 'session.missing' })
  })

  it('says when a session was never answered for too long', async () => {
    let now = Date.now()
    const [a, b] = await pair({ now: () => now })
    now += 31 * 24 * hour
    await expect(send(a, b, 'x')).rejects.toMatchObject({ code: 'session.tooOld' })
  })

  it('starts each session with the registration id of the other device', async () => {
    const [a, b] = await pair()
    const inner = await a.protocol.exclusively((turn) => turn.encrypt(addressOf(b), utf8('x')))
    expect(inner.registrationId).toBe(b.local.registrationId)
    expect(PreKeySignalMessage.deserialize(inner.ciphertext).registrationId()).toBe(a.local.registrationId)
  })
})
