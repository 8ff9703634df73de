import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testMessage, testVault, type TestVault } from '../testkit.ts'
import {
  changeSettings,
  conversationList,
  conversationSelect,
  markProfileKeySent,
  readConversation,
  readConversations,
  takeSettings,
  takeTimer,
  touchConversation,
  writeDraft,
  type SettingsChange,
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
    changeSettings(tx, 'b', { accepted: true }, 5)
    changeSettings(tx, 'c', { accepted: true, blocked: true }, 5)
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
    settingsChangedAt: 5,
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
  kit.write((tx) => takeSettings(tx, 'a', { blocked: true }, 9))
  expect(readConversations(kit.sql)).toEqual([])
  expect(readConversation(kit.sql, 'a')).toMatchObject({ blocked: true, activeAt: 0 })
  kit.write((tx) => touchConversation(tx, 'a', 4))
  expect(readConversations(kit.sql)).toMatchObject([{ conversationId: 'a', blocked: true, activeAt: 4 }])
})

describe('settings', () => {
  it('change above all that was seen, whatever the clock says', () => {
    const change = kit.write((tx) => {
      takeSettings(tx, 'a', { pinned: true, accepted: true }, 1_000)
      return changeSettings(tx, 'a', { mutedUntil: 7, archived: null }, 10)
    })
    expect(change).toEqual({
      settings: { ...plain, accepted: true, pinned: true, mutedUntil: 7 },
      changedAt: 1_001,
    })
    expect(readConversation(kit.sql, 'a')).toMatchObject({ ...change.settings, settingsChangedAt: 1_001 })
  })

  it('refuse what is older', () => {
    expect(kit.write((tx) => takeSettings(tx, 'a', { pinned: true }, 10))).toBe(true)
    expect(kit.write((tx) => takeSettings(tx, 'a', { pinned: false }, 9))).toBe(false)
    expect(kit.write((tx) => takeSettings(tx, 'a', { pinned: true }, 10))).toBe(false)
    expect(readConversation(kit.sql, 'a')?.pinned).toBe(true)
  })

  it('end equal in whatever order whole changes come', () => {
    const whole = fc.record({
      settings: fc.record({
        accepted: fc.boolean(),
        blocked: fc.boolean(),
        mutedUntil: fc.nat(2),
        pinned: fc.boolean(),
        archived: fc.boolean(),
      }),
      changedAt: fc.integer({ min: 1, max: 3 }),
    })
    let conversations = 0
    const after = (changes: readonly SettingsChange[]) => {
      conversations += 1
      const id = `c${conversations}`
      kit.write((tx) => {
        for (const { settings, changedAt } of changes) takeSettings(tx, id, settings, changedAt)
      })
      const row = readConversation(kit.sql, id)
      return row && { ...row, conversationId: '' }
    }
    fc.assert(
      fc.property(
        fc
          .array(whole, { minLength: 1, maxLength: 5 })
          .chain((changes) =>
            fc.tuple(
              fc.constant(changes),
              fc.shuffledSubarray(changes, { minLength: changes.length, maxLength: changes.length }),
            ),
          ),
        ([one, other]) => {
          expect(after(one)).toEqual(after(other))
        },
      ),
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
