import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testMessage, testVault, type TestVault } from '../testkit.ts'
import { changeSettings, takeSettings, type SettingsPatch } from './conversationSettings.ts'
import {
  conversationList,
  conversationSelect,
  markProfileKeySent,
  readConversation,
  readConversations,
  takeTimer,
  touchConversation,
  writeDraft,
} from './conversations.ts'
import { insertMessage } from './messages.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const plain = { accepted: false, blocked: false, mutedUntil: 0, pinned: false, archived: false }

it('begins a conversation as a request and tells requests, contacts and blocked ones apart', () => {
  kit.write((tx) => {
    for (const [n, id] of ['a', 'b', 'c'].entries()) touchConversation(tx, id, n + 1)
    changeSettings(tx, 'b', { accepted: true }, { now: 5, changeId: blob(1) })
    changeSettings(tx, 'c', { accepted: true, blocked: true }, { now: 5, changeId: blob(1) })
    writeDraft(tx, 'c', 'draft')
    markProfileKeySent(tx, 'c')
  })
  const rows = readConversations(kit.sql)
  expect(rows.map((r) => [r.conversationId, r.accepted, r.blocked])).toEqual([
    ['c', true, true],
    ['b', true, false],
    ['a', false, false],
  ])
  expect(rows[0]).toEqual({
    ...plain,
    conversationId: 'c',
    activeAt: 3,
    accepted: true,
    blocked: true,
    draft: 'draft',
    timerSeconds: 0,
    timerChangedAt: 0,
    profileKeySent: true,
    unread: 0,
    firstUnread: null,
    queued: 0,
    held: 0,
  })
})

it('keeps settings of a conversation that has not begun, and lists it only then', () => {
  kit.write((tx) => takeSettings(tx, 'a', { blocked: true }, { changedAt: 9, changeId: blob(1) }))
  expect(readConversations(kit.sql)).toEqual([])
  expect(readConversation(kit.sql, 'a')).toMatchObject({ blocked: true, activeAt: 0 })
  kit.write((tx) => touchConversation(tx, 'a', 4))
  expect(readConversations(kit.sql)).toMatchObject([{ conversationId: 'a', blocked: true, activeAt: 4 }])
})

describe('settings', () => {
  const take = (id: string, patch: SettingsPatch, changedAt: number, changeId: number) =>
    kit.write((tx) => takeSettings(tx, id, patch, { changedAt, changeId: blob(changeId) }))
  const settings = (id: string) => {
    const row = readConversation(kit.sql, id)
    const { accepted, blocked, mutedUntil, pinned, archived } = row ?? plain
    return { accepted, blocked, mutedUntil, pinned, archived }
  }

  it('change above what they replace, whatever the clock says, and leave the others', () => {
    const change = (patch: SettingsPatch, now: number) =>
      kit.write((tx) => changeSettings(tx, 'a', patch, { now, changeId: blob(1) }))
    take('a', { pinned: true, accepted: true }, 1_000, 1)
    expect(change({ mutedUntil: 7, archived: null }, 10)).toBe(10)
    expect(change({ mutedUntil: 0, pinned: false }, 10)).toBe(1_001)
    expect(change({ accepted: false }, 5_000)).toBe(5_000)
    expect(settings('a')).toEqual(plain)
  })

  it('stand each by itself, the newest', () => {
    expect(take('a', { pinned: true, blocked: true }, 10, 1)).toBe(true)
    expect([
      take('a', { pinned: false }, 9, 9),
      take('a', { pinned: false }, 10, 1),
      take('a', {}, 99, 9),
    ]).toEqual([false, false, false])
    expect(take('a', { pinned: false, archived: true }, 9, 9)).toBe(true)
    expect(take('a', { blocked: false }, 10, 2)).toBe(true)
    expect(settings('a')).toEqual({ ...plain, pinned: true, archived: true })
  })

  it('end equal in whatever order changes come', () => {
    const patch = fc.record(
      {
        accepted: fc.boolean(),
        blocked: fc.boolean(),
        mutedUntil: fc.nat(2),
        pinned: fc.boolean(),
        archived: fc.option(fc.boolean()),
      },
      { requiredKeys: [] },
    )
    const list = fc.uniqueArray(fc.record({ patch, at: fc.integer({ min: 1, max: 3 }), id: fc.nat(200) }), {
      selector: (change) => change.id,
      minLength: 2,
      maxLength: 5,
    })
    let conversations = 0
    fc.assert(
      fc.property(list, (changes) => {
        const [one, other] = [`c${(conversations += 1)}`, `c${(conversations += 1)}`]
        for (const { patch: given, at, id } of changes) take(one, given, at, id)
        for (const { patch: given, at, id } of changes.toReversed()) take(other, given, at, id)
        expect(settings(one)).toEqual(settings(other))
      }),
      { numRuns: 40 },
    )
  })
})

it('lets the newest change of a timer stand, and of two of one moment the same on both sides', () => {
  const take = (seconds: number, changedAt: number, id: number) =>
    kit.write((tx) => takeTimer(tx, 'a', { seconds, changedAt, changeId: blob(id) }))
  expect([take(60, 10, 5), take(5, 9, 9), take(30, 10, 4), take(30, 10, 5)]).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(readConversation(kit.sql, 'a')).toMatchObject({ timerSeconds: 60, timerChangedAt: 10 })
  expect([take(90, 10, 6), take(0, 11, 1)]).toEqual([true, true])
  expect(readConversation(kit.sql, 'a')).toMatchObject({ timerSeconds: 0, timerChangedAt: 11 })
})

it("counts what is unread and not one's own", () => {
  const first = kit.write((tx) => {
    touchConversation(tx, 'a', 1)
    insertMessage(tx, testMessage('a', 1, { readAt: 3 }))
    insertMessage(tx, testMessage('a', 2, { kind: 'system', system: '{}' }))
    insertMessage(tx, testMessage('a', 3, { own: true, authorId: 'me' }))
    const position = insertMessage(tx, testMessage('a', 4))
    insertMessage(tx, testMessage('a', 5))
    return position
  })
  expect(readConversation(kit.sql, 'a')).toMatchObject({ unread: 2, firstUnread: first })
})

it('answers the list and one row from indexes', () => {
  expect(slowSteps(kit.sql, `${conversationSelect} WHERE conversation_id = ?`, ['a'])).toEqual([])
  // The list is wholly in its index's order: nothing is sorted.
  expect(slowSteps(kit.sql, conversationList, [])).toEqual([])
})
