import { afterEach, describe, expect, it } from 'vitest'
import { utf8, type Bytes } from '../base/bytes.ts'
import type { InnerCiphertext } from './sealedSender.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, day, newEnvelopeId, TestRoom, textOf } from './testRoom.ts'

/** What libsignal keeps and what it gives up (libsignal.md 4.6, 4.9 to 4.11, 4.14). */
const room = new TestRoom()
afterEach(() => room.remove())
const slow = 120_000
const long = process.env['VALISE_LONG'] === '1'

async function encryptMany(from: TestDevice, to: TestDevice, count: number): Promise<InnerCiphertext[]> {
  return await from.protocol.exclusively(async (turn) => {
    const made: InnerCiphertext[] = []
    for (let n = 0; n < count; n += 1) made.push(await turn.encrypt(addressOf(to), utf8(String(n))))
    turn.writes.commit()
    return made
  })
}

/** Opens messages in one turn; what each of them gave. */
async function openAll(
  from: TestDevice,
  to: TestDevice,
  messages: readonly (InnerCiphertext | undefined)[],
  commit = true,
): Promise<string[]> {
  const certificate = room.certificate(from)
  return await to.protocol.exclusively(async (turn) => {
    const results: string[] = []
    for (const inner of messages) {
      if (inner === undefined) throw new Error('no such message')
      const body = await from.protocol.exclusively((other) => other.seal(addressOf(to), inner, certificate))
      results.push(textOf(await turn.open(body, Date.now(), newEnvelopeId())))
    }
    if (commit) turn.writes.commit()
    return results
  })
}

describe('skipped messages', () => {
  it(
    'are kept for 2,000, and the next older one is called a duplicate although it was never seen',
    async () => {
      const [a, b] = await room.pair()
      await room.exchange(a, b)
      const messages = await encryptMany(a, b, 2_002)
      expect(await openAll(a, b, [messages[2_001]])).toEqual(['2001'])
      expect(await openAll(a, b, [messages[0]])).toEqual(['envelope.duplicate'])
      const counters = Array.from({ length: 2_000 }, (_, index) => index + 1)
      // Each rewrites a record of 150 kB (libsignal.md 4.12): the ends of the range show where it ends.
      const read = long ? counters : [...counters.slice(0, 100), ...counters.slice(-100)]
      expect(
        await openAll(
          a,
          b,
          read.map((counter) => messages[counter]),
        ),
      ).toEqual(read.map(String))
    },
    slow,
  )

  it(
    'may be 24,999; 25,000 are too far, which is told, and a new session cures it',
    async () => {
      const [a, b] = await room.pair()
      await room.exchange(a, b)
      const messages = await encryptMany(a, b, 25_001)
      expect(await openAll(a, b, [messages[25_000]])).toEqual(['envelope.tooFarAhead'])
      expect(await openAll(a, b, [messages[24_999]], false)).toEqual(['24999'])
      expect(await openAll(a, b, [messages[1], messages[25_000]], false)).toEqual(['1', '25000'])
      await a.protocol.exclusively(async (turn) => {
        turn.renewSession(addressOf(b))
        turn.writes.commit()
      })
      await startSessions(a, b.local.accountId, bundleOf(b))
      await room.exchange(a, b)
    },
    slow,
  )

  it('of a chain die when it is twelve turns old, and live when it is three', async () => {
    const [a, b] = await room.pair()
    await room.exchange(a, b)
    const [three, twelve] = [await room.send(a, b, 'trois'), await room.send(a, b, 'douze')]
    for (let turn = 0; turn < 3; turn += 1) await room.exchange(a, b)
    expect(await room.received(b, three)).toBe('trois')
    for (let turn = 3; turn < 12; turn += 1) await room.exchange(a, b)
    const result = await room.open(b, twelve)
    expect(result).toMatchObject({ code: 'envelope.undecryptable', retry: expect.any(Uint8Array) })
  })
})

describe('a session that nobody answers', () => {
  it('encrypts for 30 days and no more; begun anew it works', async () => {
    let now = Date.now()
    const [a, b] = await room.pair({ now: () => now })
    now += 29 * day
    expect(await room.received(b, await room.send(a, b, 'un mois'))).toBe('un mois')
    now += 2 * day
    await expect(room.send(a, b, 'x')).rejects.toMatchObject({ code: 'session.tooOld' })
    await startSessions(a, b.local.accountId, bundleOf(b))
    expect(await room.received(b, await room.send(a, b, 'à nouveau'))).toBe('à nouveau')
    await room.exchange(a, b)
  })
})

describe('a first message on the last-resort key', () => {
  it('is refused when it comes again, 1,000 times of 1,000', async () => {
    const b = room.device({ oneTimeKeys: 0 })
    const senders = Array.from({ length: 20 }, () => room.device())
    const bodies: Bytes[] = []
    for (const a of senders) {
      await startSessions(a, b.local.accountId, bundleOf(b))
      bodies.push(await room.send(a, b, 'une fois'))
    }
    for (const body of bodies) expect(await room.received(b, body)).toBe('une fois')
    await b.protocol.exclusively(async (turn) => {
      for (const a of senders) turn.dropSession(addressOf(a))
      turn.writes.commit()
    })
    const codes: string[] = []
    for (let round = 0; round < 50; round += 1) {
      if (round % 10 === 0) b.restart()
      codes.push(
        ...(await b.protocol.exclusively(async (turn) => {
          const results: string[] = []
          for (const body of bodies) results.push(textOf(await turn.open(body, Date.now(), newEnvelopeId())))
          turn.writes.commit()
          return results
        })),
      )
    }
    expect(codes).toHaveLength(1_000)
    expect(new Set(codes)).toEqual(new Set(['envelope.replayedKyberKey']))
  }, 60_000)
})
