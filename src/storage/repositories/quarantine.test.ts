import { afterEach, beforeEach, expect, it } from 'vitest'
import { blob, slowSteps, testVault, type TestVault } from '../testkit.ts'
import {
  countQuarantined,
  deleteQuarantined,
  dropOldQuarantined,
  findQuarantined,
  insertQuarantined,
  listDueForRetry,
  noteAttempt,
  quarantinePage,
  quarantineQueries,
  readQuarantinedOf,
  type QuarantinedEnvelope,
} from './quarantine.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const envelope = (n: number, parts: Partial<QuarantinedEnvelope> = {}): QuarantinedEnvelope => ({
  envelopeId: Buffer.from(`envelope ${n}`),
  body: blob(1),
  receivedAt: n,
  reason: 'identity.changed',
  accountId: 'a',
  ...parts,
})
const insert = (e: QuarantinedEnvelope) => kit.write((tx) => insertQuarantined(tx, e))

it('keeps everything of an envelope, once', () => {
  const whole = envelope(1, { deviceId: 2, queueId: 77, retryReference: 99, place: 3, nextAttemptAt: 5 })
  expect([insert(whole), insert(envelope(1)), insert(envelope(2, { accountId: null }))]).toEqual([
    true,
    false,
    true,
  ])
  expect(findQuarantined(kit.sql, whole.envelopeId)).toEqual({ ...whole, id: 1, attempts: 1 })
  const nothing = { deviceId: null, queueId: null, retryReference: null, place: null, nextAttemptAt: null }
  expect(findQuarantined(kit.sql, envelope(2).envelopeId)).toMatchObject(nothing)
  expect([findQuarantined(kit.sql, blob(1)), countQuarantined(kit.sql)]).toEqual([null, 2])
})

it('gives what waits for one reason page by page, in order of arrival', () => {
  kit.write((tx) => {
    // The relay's own times may run backwards; what counts is the order in which they came.
    for (let n = 0; n < quarantinePage + 20; n += 1) insertQuarantined(tx, envelope(1_000 - n))
    insertQuarantined(tx, envelope(2_000, { accountId: 'b' }))
    insertQuarantined(tx, envelope(2_001, { reason: 'session.missing' }))
  })
  const first = readQuarantinedOf(kit.sql, 'a', 'identity.changed')
  const rest = readQuarantinedOf(kit.sql, 'a', 'identity.changed', first.at(-1)?.id)
  expect([first.length, rest.length]).toEqual([quarantinePage, 20])
  expect([...first, ...rest].map((e) => e.receivedAt)).toEqual(
    Array.from({ length: 120 }, (_, n) => 1_000 - n),
  )
  expect(readQuarantinedOf(kit.sql, 'a', 'identity.changed', rest.at(-1)?.id)).toEqual([])
})

it('tries again what is due, counts, and forgets what is done', () => {
  for (const n of [1, 2, 3]) insert(envelope(n, { nextAttemptAt: 40 - n }))
  insert(envelope(4))
  const due = (now: number) => listDueForRetry(kit.sql, now).map((e) => e.receivedAt)
  expect([due(36), due(38), due(99)]).toEqual([[], [3, 2], [3, 2, 1]])
  kit.write((tx) => {
    noteAttempt(tx, 3, 100)
    deleteQuarantined(tx, 1)
  })
  expect([due(99), due(100)]).toEqual([[2], [2, 3]])
  expect(findQuarantined(kit.sql, envelope(3).envelopeId)).toMatchObject({ attempts: 2, nextAttemptAt: 100 })
  expect(findQuarantined(kit.sql, envelope(1).envelopeId)).toBeNull()
})

it('lets go of what is old or beyond the limit, never of what waits for a decision', () => {
  for (const n of [1, 2, 3, 4, 5, 6])
    insert(envelope(n, { reason: n === 2 ? 'identity.changed' : 'envelope.malformed' }))
  const left = () => kit.sql.all<{ id: number }>('SELECT id FROM quarantine ORDER BY id').map(({ id }) => id)
  kit.write((tx) => dropOldQuarantined(tx, 4, 100))
  expect(left()).toEqual([2, 4, 5, 6])
  kit.write((tx) => dropOldQuarantined(tx, 0, 2))
  expect(left()).toEqual([2, 5, 6])
})

it('is answered from indexes', () => {
  for (const [query, ...parameters] of [
    [quarantineQueries.of, 'a', 'identity.changed', 0, 100],
    [quarantineQueries.due, 1, 100],
    [quarantineQueries.find, blob(1)],
  ] as const)
    expect(slowSteps(kit.sql, query, parameters), query).toEqual([])
})
