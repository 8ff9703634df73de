import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testVault, type TestVault } from '../testkit.ts'
import {
  findResend,
  logSent,
  pruneResends,
  purgeConfirmed,
  resendQueries,
  type SentEnvelope,
} from './resendLog.ts'
import { noteRetry, pruneQuery, pruneRetries, type RetryKey } from './retryRequests.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const sent = (n: number, parts: Partial<SentEnvelope> = {}): SentEnvelope => ({
  envelopeId: Buffer.from(`envelope ${n}`),
  accountId: 'a',
  deviceId: 1,
  reference: 1_700_000_000_000 + n,
  content: blob(4),
  kind: 'message',
  messageId: blob(n % 250),
  sentAt: n,
  ...parts,
})
const log = (...list: SentEnvelope[]) =>
  kit.write((tx) => {
    for (const one of list) logSent(tx, one)
  })
const found = (n: number, accountId = 'a', deviceId = 1) =>
  findResend(kit.sql, accountId, deviceId, 1_700_000_000_000 + n)

describe('the log of what was sent', () => {
  it('answers the device that an envelope went to, and no other', () => {
    log(sent(1), sent(2), sent(1, { content: blob(5) }))
    expect(found(1)).toEqual(sent(1))
    expect([found(1, 'b'), found(1, 'a', 2), found(3)]).toEqual([null, null, null])
  })

  it('forgets what the device has, for that device alone', () => {
    log(sent(1), sent(1, { envelopeId: blob(2), deviceId: 2 }), sent(3))
    kit.write((tx) => purgeConfirmed(tx, 'a', 1, [sent(1).messageId, blob(99)]))
    expect([found(1), found(1, 'a', 2)?.deviceId, found(3)?.sentAt]).toEqual([null, 2, 3])
  })

  it('forgets after 14 days', () => {
    const days = 14 * 24 * 3_600_000
    log(sent(1), sent(2))
    kit.write((tx) => pruneResends(tx, days + 2))
    expect([found(1), found(2)?.sentAt]).toEqual([null, 2])
  })

  it('is bounded: the oldest go, by time and then by order', () => {
    log(sent(5), sent(3), sent(4), ...[10, 11, 12].map((n) => sent(n, { sentAt: 4 })))
    const left = () => [3, 4, 5, 10, 11, 12].filter((n) => found(n) !== null)
    kit.write((tx) => pruneResends(tx, 9, 6))
    expect(left()).toEqual([3, 4, 5, 10, 11, 12])
    kit.write((tx) => pruneResends(tx, 9, 3))
    expect(left()).toEqual([5, 11, 12])
  })

  it('holds 20,000 rows', () => {
    log(...Array.from({ length: 20_002 }, (_, n) => sent(n)))
    kit.write((tx) => pruneResends(tx, 20_002))
    expect(kit.sql.get('SELECT count(*) AS n FROM resend')).toEqual({ n: 20_000 })
    expect([found(1), found(2)?.sentAt]).toEqual([null, 2])
  })
})

describe('retry requests', () => {
  const key: RetryKey = { direction: 'asked', accountId: 'a', deviceId: 1, reference: 5 }
  const note = (parts: Partial<RetryKey> = {}, now = 1) =>
    kit.write((tx) => noteRetry(tx, { ...key, ...parts }, now))

  it('are counted by direction, device and reference', () => {
    expect([
      note(),
      note(),
      note({ direction: 'answered' }),
      note({ deviceId: 2 }),
      note({ reference: 6 }),
    ]).toEqual([1, 2, 1, 1, 1])
    expect(note()).toBe(3)
  })

  it('are forgotten by their last time', () => {
    note({}, 10)
    note({ reference: 6 }, 10)
    note({}, 20)
    kit.write((tx) => pruneRetries(tx, 20))
    expect([note({}, 30), note({ reference: 6 }, 30)]).toEqual([3, 1])
  })
})

it('is answered from indexes', () => {
  for (const [query, ...parameters] of [
    [resendQueries.find, 'a', 1, 1],
    [resendQueries.confirm, blob(1), 'a', 1],
    [resendQueries.age, 1],
    [resendQueries.trim, 1, 1, 1],
    [pruneQuery, 1],
  ] as const)
    expect(slowSteps(kit.sql, query, parameters), query).toEqual([])
  // Counts along the index, without touching what was sent.
  expect(slowSteps(kit.sql, resendQueries.excess, [20_000])).toEqual([
    'SCAN resend USING COVERING INDEX resend_time',
  ])
})
