import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testVault, type TestVault } from '../testkit.ts'
import { addAlert, dismissAlert, readAlerts } from './alerts.ts'
import { readDecision, readDecisions, writeDecision, type IdentityDecision } from './identityDecisions.ts'
import { addPermits, countPermits, dropExpiredPermits, takePermit } from './permits.ts'
import { forgetPersonKey, readPersonKey, writePersonKey } from './personKeys.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

it('takes a profile key only when it was told later', () => {
  const key = (n: number) => Buffer.alloc(32, n)
  const write = (n: number, at: number) => kit.write((tx) => writePersonKey(tx, 'a', key(n), at))
  expect(readPersonKey(kit.sql, 'a')).toBeNull()
  expect([write(1, 10), write(2, 9), write(3, 10), write(4, 11)]).toEqual([true, false, false, true])
  expect(readPersonKey(kit.sql, 'a')).toEqual(key(4))
  kit.write((tx) => forgetPersonKey(tx, 'a'))
  expect(readPersonKey(kit.sql, 'a')).toBeNull()
})

describe('permits', () => {
  const permits = [30, 10, 20, 10].map((expiresAt, n) => ({ permit: blob(n), expiresAt }))
  const take = (now: number) => kit.write((tx) => takePermit(tx, now))

  it('are each taken once, what expires first before the others, expired ones never', () => {
    kit.write((tx) => addPermits(tx, permits))
    expect([countPermits(kit.sql, 0), countPermits(kit.sql, 10), countPermits(kit.sql, 30)]).toEqual([
      4, 2, 0,
    ])
    expect([take(0), take(9), take(10), take(30), take(29), take(0)]).toEqual([
      blob(1),
      blob(3),
      blob(2),
      null,
      blob(0),
      null,
    ])
  })

  it('are dropped when they have expired', () => {
    kit.write((tx) => {
      addPermits(tx, permits)
      dropExpiredPermits(tx, 20)
    })
    expect(countPermits(kit.sql, 0)).toBe(1)
  })

  it('are found by index', () => {
    for (const query of [
      'SELECT id, permit FROM permit WHERE expires_at > ? ORDER BY expires_at, id LIMIT 1',
      'SELECT count(*) AS n FROM permit WHERE expires_at > ?',
    ])
      expect(slowSteps(kit.sql, query, [1]), query).toEqual([])
  })
})

describe('decisions about identity keys', () => {
  const decision = (
    key: number,
    decidedAt: number,
    parts: Partial<IdentityDecision> = {},
  ): IdentityDecision => ({
    accountId: 'a',
    identityKey: blob(key),
    previousKey: null,
    accepted: true,
    verified: false,
    decidedAt,
    ...parts,
  })
  const write = (d: IdentityDecision) => kit.write((tx) => writeDecision(tx, d))

  it('stand by key, the newest of each, and keep the key before', () => {
    expect(write(decision(1, 10))).toBe(true)
    expect(write(decision(2, 20, { previousKey: blob(1) }))).toBe(true)
    expect(write(decision(2, 30, { verified: true }))).toBe(true)
    expect(write(decision(2, 25, { accepted: false }))).toBe(false)
    expect(write(decision(2, 30, { accepted: false }))).toBe(false)
    const newest = decision(2, 30, { verified: true, previousKey: blob(1) })
    expect(readDecisions(kit.sql, 'a')).toEqual([newest, decision(1, 10)])
    expect(readDecision(kit.sql, 'a', blob(2))).toEqual(newest)
    expect(readDecision(kit.sql, 'b', blob(2))).toBeNull()
  })

  it('are found by index', () => {
    expect(slowSteps(kit.sql, 'SELECT * FROM identity_decision WHERE account_id = ?', ['a'])).toEqual([])
  })
})

it('keeps alerts until they are dismissed', () => {
  const alert = { kind: 'deviceAdded', deviceName: 'Poste 2', at: 5 } as const
  const ids = kit.write((tx) => [
    addAlert(tx, alert),
    addAlert(tx, { ...alert, kind: 'vaultCopied', deviceName: '' }),
  ])
  expect(readAlerts(kit.sql).map((a) => [a.alertId, a.kind, a.at])).toEqual([
    [ids[0], 'deviceAdded', 5],
    [ids[1], 'vaultCopied', 5],
  ])
  const dismiss = () => kit.write((tx) => dismissAlert(tx, ids[0] ?? 0))
  expect([dismiss(), dismiss(), readAlerts(kit.sql).length]).toEqual([true, false, 1])
})
