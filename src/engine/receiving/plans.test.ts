import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../base/errors.ts'
import { encodeContent, type Body } from '../../content/content.ts'
import { bodiesForAll, bodiesForOwnDevices } from '../../content/testing.ts'
import { plainText } from '../../content/text.ts'
import { handoverStep, nextStep, repairsInARow, type NextStep } from '../sending/delivery.ts'
import { planContent, planUndecryptable, receptionTime, type Arrival, type Effect } from './receivePlan.ts'
import { advisedWait, connectionBackOff, jobBackOff, waitBefore } from '../relay/backOff.ts'
import type { PutOutcome } from '../relay/puts.ts'

const sender = { accountId: '0b6f1c9e-7f53-4d7e-9a55-0c1c8a1d2e3f', deviceId: 2 }
const arrival = { sender, envelopeId: new Uint8Array(16).fill(9), receivedAt: 1_000 }

describe('what becomes of a job', () => {
  const fraction = fc.double({ min: 0, max: 0.999_999, noNaN: true })

  it('ends, waits or fails for every answer of the relay', () => {
    const devices = fc.array(fc.integer({ min: 1, max: 127 }))
    const outcome: fc.Arbitrary<PutOutcome> = fc.oneof(
      fc.constant({ kind: 'stored' as const }),
      fc.record({ kind: fc.constant('devices' as const), missing: devices, extra: devices, stale: devices }),
      fc.record({
        kind: fc.constant('refused' as const),
        code: fc.constantFrom(...errorCodes),
        retryAfterMs: fc.nat(3_600_000),
      }),
    )
    fc.assert(
      fc.property(outcome, fc.nat(1_000), fc.nat(5), fraction, (answer, attempts, repairs, random) => {
        const step = nextStep(answer, { attempts, repairs }, random)
        if (answer.kind === 'stored') expect(step.kind).toBe('done')
        if (answer.kind === 'devices') expect(step.kind).toBe(repairs < repairsInARow ? 'repair' : 'postpone')
        if (answer.kind === 'refused') expect(['postpone', 'fail']).toContain(step.kind)
        if (step.kind === 'postpone') {
          expect(step.waitMs).toBeGreaterThan(0)
          if (answer.kind === 'refused') expect(step.waitMs).toBeGreaterThanOrEqual(answer.retryAfterMs)
        }
      }),
    )
  })

  it('makes each wrong device once', () => {
    const step = nextStep(
      { kind: 'devices', missing: [2, 3], extra: [4], stale: [3, 1] },
      { attempts: 0, repairs: 0 },
      0,
    )
    expect(step).toEqual({ kind: 'repair', make: [2, 3, 1], drop: [4] })
  })

  it('waits longer each time, never past the cap, never together with the others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fraction, (attempt, random) => {
        for (const limits of [connectionBackOff, jobBackOff]) {
          const wait = waitBefore(attempt, limits, random)
          const ceiling = Math.min(limits.last, limits.first * 2 ** Math.min(attempt - 1, 30))
          expect(wait).toBeGreaterThanOrEqual(Math.round(ceiling / 2))
          expect(wait).toBeLessThanOrEqual(ceiling)
        }
      }),
    )
  })

  it('follows a relay that says when to come back, within bounds', () => {
    expect([undefined, 'soon', 200, 5_000, 10 ** 9].map((advice) => advisedWait(1_000, advice))).toEqual([
      1_000, 1_000, 1_000, 5_000, 120_000,
    ])
  })
})

describe('what a content asks for', () => {
  const messageId = new Uint8Array(16).fill(3)
  const own = 'f3a1c9e0-7f53-4d7e-9a55-0c1c8a1d2e3f'
  const bare = { messageId, sentAt: 900, profileKey: null, resentEnvelopeId: null }
  const self = { ...arrival, sender: { accountId: own, deviceId: 3 } }
  const plan = (body: Body, from: Arrival = arrival): readonly Effect[] =>
    planContent(encodeContent({ ...bare, body }), from, own)

  it('shows a text', () => {
    expect(plan({ kind: 'text', ...plainText('bonjour') })).toMatchObject([
      {
        kind: 'show',
        message: {
          conversationId: sender.accountId,
          authorDevice: 2,
          own: false,
          kind: 'text',
          text: 'bonjour',
          sentAt: 900,
          receivedAt: 1_000,
          delivery: 'received',
        },
      },
    ])
  })

  it('takes a receipt for what it is', () => {
    const body = { kind: 'deliveryReceipt', messageIds: [messageId] } as const
    expect(plan(body)).toMatchObject([{ kind: 'receipt', receipt: body }])
  })

  it('shows what another own device has sent where it was sent to, as one’s own', () => {
    const content = encodeContent({ ...bare, body: { kind: 'text', ...plainText('copie') } })
    expect(plan({ kind: 'sentMessage', destination: sender.accountId, content }, self)).toMatchObject([
      {
        kind: 'show',
        message: { conversationId: sender.accountId, authorId: own, own: true, delivery: 'sent' },
      },
    ])
  })

  it('puts what an own device sends again where it could not be read, and what was read late where it came', () => {
    const content = encodeContent({ ...bare, body: { kind: 'text', ...plainText('copie') } })
    const sent: Body = { kind: 'sentMessage', destination: sender.accountId, content }
    const envelopeId = new Uint8Array(16).fill(8)
    const again = encodeContent({ ...bare, resentEnvelopeId: envelopeId, body: sent })
    expect(planContent(again, self, own)).toMatchObject([
      { kind: 'show', resentEnvelopeId: envelopeId, place: null },
      { kind: 'resent', envelopeId },
    ])
    expect(plan(sent, { ...self, place: 7 })).toMatchObject([{ kind: 'show', place: 7 }])
  })

  it('lets nobody else speak to own devices, and own devices say nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(...Object.values(bodiesForOwnDevices)), (body: Body) => {
        expect(plan(body)).toEqual([{ kind: 'refuse', code: 'content.notAllowed' }])
      }),
    )
    fc.assert(
      fc.property(fc.oneof(...Object.values(bodiesForAll)), (body: Body) => {
        const effects = plan(body, self)
        expect(effects.every(({ kind }) => kind === 'refuse')).toBe(true)
      }),
    )
  })

  it('keeps whatever cannot be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const encoded = new Uint8Array(bytes)
        for (const effect of planContent(encoded, arrival, own)) {
          if (effect.kind !== 'show' || effect.message.kind === 'text') continue
          expect(effect.message).toMatchObject({ kind: 'unknown', text: '', raw: encoded })
        }
      }),
    )
    expect(planUndecryptable(arrival)).toMatchObject({
      kind: 'undecryptable',
      messageId: arrival.envelopeId,
      raw: null,
    })
  })
})

describe('the time at which certificates are judged', () => {
  const time = fc.integer({ min: 0, max: 2 ** 45 })

  it('is the reception time as long as that can be true, and never the local clock', () => {
    const bounds = { relayTime: 10_000, lastReceivedAt: 4_000, maxAgeMs: 5_000 }
    expect(receptionTime(7_000, bounds)).toBe(7_000)
    expect(receptionTime(10_001, bounds)).toBe(10_000)
    expect(receptionTime(4_999, bounds)).toBe(5_000)
    expect(receptionTime(5_500, { ...bounds, lastReceivedAt: 6_000 })).toBe(6_000)
    // The relay's clock was ahead once.
    expect(receptionTime(5_500, { ...bounds, lastReceivedAt: 900_000 })).toBe(5_500)
  })

  it('is never in the future, too old, or before the last one', () => {
    fc.assert(
      fc.property(time, time, time, (receivedAt, relayTime, lastReceivedAt) => {
        const maxAgeMs = 31 * 24 * 3_600_000
        const judged = receptionTime(receivedAt, { relayTime, lastReceivedAt, maxAgeMs })
        expect(judged).toBeLessThanOrEqual(relayTime)
        expect(judged).toBeGreaterThanOrEqual(Math.min(relayTime, relayTime - maxAgeMs))
        if (lastReceivedAt <= relayTime) expect(judged).toBeGreaterThanOrEqual(lastReceivedAt)
      }),
    )
  })
})

it('hands keys over by the session that there is, and never takes a failure for it', () => {
  const step = (from: NextStep) => handoverStep(from, 0, 0)
  expect(step({ kind: 'done' })).toEqual({ kind: 'done' })
  expect(step({ kind: 'fail', code: 'device.attestation' }).kind).toBe('postpone')
  expect(step({ kind: 'repair', make: [3], drop: [] }).kind).toBe('postpone')
  const drop: NextStep = { kind: 'repair', make: [], drop: [3] }
  expect(step(drop)).toBe(drop)
})
