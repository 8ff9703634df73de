import { CiphertextMessageType } from '@signalapp/libsignal-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { Bytes } from '../base/bytes.ts'
import type { OpenResult } from './opening.ts'
import { retryReference } from './retry.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, newEnvelopeId, TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

function retryOf(result: OpenResult): Bytes {
  if (result.kind !== 'refused' || result.retry === null) throw new Error('nothing to ask again')
  return result.retry
}

async function ask(from: TestDevice, to: TestDevice, retry: Bytes): Promise<Bytes> {
  const inner = { type: CiphertextMessageType.Plaintext, ciphertext: retry }
  return await from.protocol.exclusively((turn) => turn.seal(addressOf(to), inner, room.certificate(from)))
}

async function drop(device: TestDevice, peer: TestDevice): Promise<void> {
  await device.protocol.exclusively(async (turn) => {
    turn.dropSession(addressOf(peer))
    turn.writes.commit()
  })
}

async function lost(options: { readonly renewed?: boolean } = {}) {
  const [a, b] = await room.pair()
  await room.exchange(a, b)
  await drop(b, a)
  const envelopeId = newEnvelopeId()
  const refused = await room.open(b, await room.send(a, b, 'perdu'), { envelopeId })
  if (options.renewed === true) {
    await a.protocol.exclusively(async (turn) => {
      turn.renewSession(addressOf(b))
      turn.writes.commit()
    })
  }
  return { a, b, envelopeId, refused }
}

describe('a retry request', () => {
  it('names the message by its envelope and reaches the sender, who renews the session and sends again', async () => {
    const { a, b, envelopeId, refused } = await lost()
    expect(refused).toMatchObject({ kind: 'refused', code: 'session.missing' })
    const result = await room.open(a, await ask(b, a, retryOf(refused)))
    expect(result).toEqual({
      kind: 'retryRequest',
      sender: addressOf(b),
      reference: retryReference(envelopeId),
      ratchetKeyMatches: true,
    })
    await a.protocol.exclusively(async (turn) => {
      turn.renewSession(addressOf(b))
      turn.writes.commit()
    })
    await expect(room.send(a, b, 'x')).rejects.toMatchObject({ code: 'session.missing' })
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await room.received(b, await room.send(a, b, 'perdu'))).toBe('perdu')
    await room.exchange(a, b)
  })

  it('tells when that session is not the present one any more: then sending again is enough', async () => {
    const { a, b, refused } = await lost({ renewed: true })
    const body = await ask(b, a, retryOf(refused))
    expect(await room.open(a, body)).toMatchObject({ ratchetKeyMatches: false })
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await room.open(a, body)).toMatchObject({ ratchetKeyMatches: false })
  })

  it('is made for what sending again cures, and for nothing else', async () => {
    const [a, b] = await room.pair()
    const first = await room.send(a, b, 'un')
    await room.received(b, first)
    expect(await room.open(b, first)).toMatchObject({ code: 'envelope.duplicate', retry: expect.anything() })
    await drop(b, a)
    expect(await room.open(b, first)).toMatchObject({
      code: 'envelope.unknownPreKey',
      retry: expect.anything(),
    })
    expect(await room.open(b, new Uint8Array(40))).toMatchObject({ code: 'envelope.malformed', retry: null })
    const expired = await b.protocol.exclusively((turn) =>
      turn.open(first, Date.now() + 100 * 3_600_000, newEnvelopeId()),
    )
    expect(expired).toMatchObject({ code: 'certificate.expired', retry: null })
    await b.protocol.exclusively(async (turn) => {
      turn.holdIdentity(a.local.accountId, room.device().identityKey)
      turn.writes.commit()
    })
    // Made, but not to be sent while a decision is waited for: that is the caller's.
    const held = await room.open(b, first)
    expect(held).toMatchObject({ code: 'identity.changed' })
    expect(held).not.toMatchObject({ retry: null })
  })

  it('is made for a later message of an unanswered session on the last-resort key that is gone', async () => {
    const [a, b] = [room.device(), room.device({ oneTimeKeys: 0 })]
    await startSessions(a, b.local.accountId, bundleOf(b))
    await room.received(b, await room.send(a, b, 'un'))
    await drop(b, a)
    const refused = await room.open(b, await room.send(a, b, 'deux'))
    expect(refused).toMatchObject({ code: 'envelope.replayedKyberKey' })
    await startSessions(b, a.local.accountId, bundleOf(a))
    expect(await room.open(a, await ask(b, a, retryOf(refused)))).toMatchObject({ ratchetKeyMatches: true })
  })

  it('to another device, or from somebody never written to, is not allowed', async () => {
    const { a, b, refused } = await lost()
    const { accountId, identityKeyPair } = a.local
    const second = room.device({ accountId, deviceId: 2, identityKeyPair })
    await startSessions(second, b.local.accountId, bundleOf(b))
    const body = await ask(b, a, retryOf(refused))
    // Both hold the account's identity key, so both open the sealed layer.
    expect(await room.open(second, body)).toMatchObject({ kind: 'refused', code: 'content.notAllowed' })
    const [stranger, c] = await room.pair()
    const twice = await room.send(stranger, c, 'x')
    await room.open(c, twice)
    const late = await room.open(c, twice)
    await startSessions(c, a.local.accountId, bundleOf(a))
    expect(await room.open(a, await ask(c, a, retryOf(late)))).toMatchObject({ code: 'content.notAllowed' })
  })

  it('changes nothing and may come twice', async () => {
    const { a, b, refused } = await lost()
    const body = await ask(b, a, retryOf(refused))
    const before = a.records.begin().sessions.get(`${b.local.accountId}.1`)
    expect(await room.open(a, body)).toEqual(await room.open(a, body))
    expect(a.records.begin().sessions.get(`${b.local.accountId}.1`)).toEqual(before)
  })

  it('has a reference of 48 bits', () => {
    expect(retryReference(Uint8Array.of(0, 0, 0, 0, 1, 2, 255))).toBe(258)
    expect(retryReference(new Uint8Array(16).fill(255))).toBe(2 ** 48 - 1)
    expect(() => retryReference(new Uint8Array(5))).toThrow('argument.invalid')
  })
})
