import { afterEach, beforeEach, expect, it } from 'vitest'
import { toHex } from '../../base/bytes.ts'
import { slowSteps, testVault, type TestVault } from '../testkit.ts'
import { envelopesSeen, envelopesSeenQuery, rememberEnvelope } from './received.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

it('tells which envelopes of a batch came before', () => {
  const ids = Array.from({ length: 100 }, (_, n) => Buffer.alloc(16, n))
  kit.write((tx) => {
    for (const id of ids.filter((_, n) => n % 3 === 0)) rememberEnvelope(tx, id, 1)
  })
  const seen = envelopesSeen(kit.sql, ids.map(toHex))
  expect(seen).toEqual(new Set(ids.filter((_, n) => n % 3 === 0).map(toHex)))
  expect(envelopesSeen(kit.sql, [])).toEqual(new Set())
})

it('looks envelopes up one by one, however many it keeps', () => {
  const scanned = slowSteps(kit.sql, envelopesSeenQuery, ['[]'])
  expect(scanned.filter((step) => step.includes('received_envelope'))).toEqual([])
})
