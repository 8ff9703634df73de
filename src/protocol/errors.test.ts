import { ErrorCode as LibSignalCode, LibSignalErrorBase, ProtocolAddress } from '@signalapp/libsignal-client'
import { afterEach, describe, expect, it } from 'vitest'
import { CodedError } from '../base/errors.ts'
import { protocolError } from './errors.ts'
import { bundleOf, startSessions, testAuthority } from './testkit.ts'
import { TestRoom } from './testRoom.ts'

const room = new TestRoom()
afterEach(() => room.remove())

/** Every text that `errors.ts` reads must still be what libsignal says. */
describe('what libsignal tells by its text alone', () => {
  it('is still told so: an untrusted root, a bad signature, no session', async () => {
    const [a, b] = await room.pair()
    const untrusted = await b.protocol.exclusively(async (turn) => {
      const foreign = testAuthority().certificate(a, Date.now() + 1_000_000)
      const inner = await a.protocol.exclusively((other) =>
        other.encrypt({ accountId: b.local.accountId, deviceId: 1 }, new Uint8Array(3)),
      )
      const body = await a.protocol.exclusively((other) =>
        other.seal({ accountId: b.local.accountId, deviceId: 1 }, inner, foreign),
      )
      return await turn.open(body, Date.now(), new Uint8Array(16))
    })
    expect(untrusted).toMatchObject({ code: 'certificate.untrusted' })

    const [c, d] = [bundleOf(room.device()), room.device()]
    const bundle = bundleOf(d)
    const devices = bundle.devices.map((device) => ({
      ...device,
      kyberPreKey: c.devices[0]?.kyberPreKey ?? device.kyberPreKey,
    }))
    await expect(startSessions(a, d.local.accountId, { ...bundle, devices })).rejects.toMatchObject({
      code: 'bundle.signature',
    })

    await room.exchange(a, b)
    const whisper = await room.send(a, b, 'x')
    await b.protocol.exclusively(async (turn) => {
      turn.dropSession({ accountId: a.local.accountId, deviceId: 1 })
      turn.writes.commit()
    })
    expect(await room.received(b, whisper)).toBe('session.missing')
  })
})

describe('an error as one of our codes', () => {
  const thrownBy = (work: () => unknown): unknown => {
    try {
      work()
    } catch (error) {
      return error
    }
    throw new Error('nothing was thrown')
  }

  it('keeps ours, takes libsignal’s code before its text, and calls anything else a defect', () => {
    const ours = new CodedError('vault.busy')
    expect(protocolError(ours, 'envelope.malformed')).toBe(ours)
    expect(protocolError(new TypeError('session with'), 'envelope.malformed').code).toBe('internal')
    const address = thrownBy(() => ProtocolAddress.new('x', 0))
    expect(address).toBeInstanceOf(LibSignalErrorBase)
    expect(address).toMatchObject({ code: LibSignalCode.InvalidProtocolAddress })
    expect(protocolError(address, 'envelope.malformed').code).toBe('argument.invalid')
    const verification = new LibSignalErrorBase('session with x', 'VerificationFailed', 'test')
    expect(protocolError(verification, 'permit.invalid').code).toBe('permit.invalid')
  })
})
