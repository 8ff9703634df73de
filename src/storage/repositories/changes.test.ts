import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bytes } from '../../base/bytes.ts'
import { blob, slowSteps, testMessage, testVault, type TestVault } from '../testkit.ts'
import { acknowledgementsOf, readAcknowledgements, writeAcknowledgement } from './acknowledgements.ts'
import { touchConversation } from './conversations.ts'
import { insertMessage, readMessage, readRaw } from './messages.ts'
import {
  edits,
  newestEdit,
  readEdits,
  setDeleted,
  writeVersion,
  type MessageVersion,
} from './messageVersions.ts'
import {
  addPendingChange,
  dropOldPendingChanges,
  pendingPerAccount,
  pendingQueries,
  takePendingChanges,
  type PendingChange,
} from './pendingChanges.ts'
import { reactionsOf, readReactions, writeReaction, type ReactionRow } from './reactions.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
  kit.write((tx) => touchConversation(tx, 'a', 1))
})
afterEach(() => kit.remove())

let made = 0
function insert(): number {
  made += 1
  return kit.write(
    (tx) => insertMessage(tx, testMessage('a', made, { sentAt: 100, body: blob(9), raw: blob(8) })) ?? 0,
  )
}

const version = (id: number, sentAt: number): MessageVersion => ({
  editId: blob(id),
  sentAt,
  text: `version ${id}`,
  body: blob(id),
})

describe('edits', () => {
  const write = (position: number, v: MessageVersion) => kit.write((tx) => writeVersion(tx, position, v))

  it('keep every version and show the newest, in whatever order they came', () => {
    const position = insert()
    const text = readMessage(kit.sql, position)?.text
    expect(readEdits(kit.sql, position)).toEqual([])
    expect([
      write(position, version(2, 120)),
      write(position, version(1, 110)),
      write(position, version(2, 120)),
    ]).toEqual([true, false, false])
    expect(readMessage(kit.sql, position)).toMatchObject({ text: 'version 2', body: blob(2), editedAt: 120 })
    expect(readEdits(kit.sql, position).map((v) => [v.text, v.sentAt, v.body])).toEqual([
      [text, 100, blob(9)],
      ['version 1', 110, blob(1)],
      ['version 2', 120, blob(2)],
    ])
  })

  it('stand above the first version even when their clock went back', () => {
    const position = insert()
    expect(write(position, version(1, 5))).toBe(true)
    expect(readEdits(kit.sql, position).map((v) => v.sentAt)).toEqual([100, 5])
  })

  it('end equal in whatever order they come', () => {
    const list = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 1, max: 250 }), at: fc.integer({ min: 1, max: 3 }) }),
      {
        selector: (v) => v.id,
        minLength: 1,
        maxLength: 5,
      },
    )
    const shown = (order: readonly { id: number; at: number }[]) => {
      const position = insert()
      for (const { id, at } of order) write(position, version(id, at))
      return readMessage(kit.sql, position)?.text
    }
    fc.assert(
      fc.property(list, (order) => {
        expect(shown(order)).toBe(shown(order.toReversed()))
      }),
      { numRuns: 30 },
    )
  })
})

describe('a message that was taken back', () => {
  it('leaves a mark and nothing of what it said, and is never edited again', () => {
    const position = insert()
    const message = { authorId: 'a', messageId: readMessage(kit.sql, position)?.messageId ?? blob() }
    kit.write((tx) => {
      writeVersion(tx, position, version(1, 110))
      writeReaction(tx, { message, personId: 'p', sentAt: 1, changeId: blob(1), emoji: '👍', service: 0 })
    })
    expect(kit.write((tx) => setDeleted(tx, position, 500))).toBe(true)
    expect(kit.write((tx) => setDeleted(tx, position, 600))).toBe(false)
    expect(kit.write((tx) => writeVersion(tx, position, version(2, 900)))).toBe(false)
    expect(readMessage(kit.sql, position)).toMatchObject({
      text: '',
      body: null,
      editedAt: null,
      deletedAt: 500,
    })
    expect([
      readRaw(kit.sql, position),
      readEdits(kit.sql, position),
      readReactions(kit.sql, message),
    ]).toEqual([null, [], []])
    expect(kit.write((tx) => setDeleted(tx, 999, 1))).toBe(false)
  })

  it('was taken back at the earliest time that is told, in whatever order', () => {
    const position = insert()
    const take = (at: number) => kit.write((tx) => setDeleted(tx, position, at))
    expect([take(500), take(500), take(400), take(450)]).toEqual([true, false, true, false])
    expect(readMessage(kit.sql, position)?.deletedAt).toBe(400)
  })
})

const message = { authorId: 'a', messageId: blob(1) }

describe('reactions', () => {
  const reaction = (sentAt: number, id: number, emoji: string, service = 0): ReactionRow => ({
    message,
    personId: 'p',
    sentAt,
    changeId: blob(id),
    emoji,
    service,
  })
  const write = (r: ReactionRow) => kit.write((tx) => writeReaction(tx, r))

  it('are one a person, the newest, before the message and without it', () => {
    expect([write(reaction(10, 1, '👍')), write(reaction(9, 9, '👎')), write(reaction(10, 1, '👎'))]).toEqual(
      [true, false, false],
    )
    expect(write({ ...reaction(1, 1, '', 2), personId: 'q' })).toBe(true)
    expect(readReactions(kit.sql, message).map((r) => [r.personId, r.emoji, r.service])).toEqual([
      ['p', '👍', 0],
      ['q', '', 2],
    ])
    expect(readReactions(kit.sql, { ...message, authorId: 'b' })).toEqual([])
  })

  it('stay taken back when an older one comes late', () => {
    expect([write(reaction(10, 1, '')), write(reaction(9, 1, '👍'))]).toEqual([true, false])
    // Kept as taken back: whoever reacts again dates it after this.
    expect(readReactions(kit.sql, message)).toMatchObject([{ sentAt: 10, emoji: '', service: 0 }])
    expect(write(reaction(10, 2, '👍'))).toBe(true)
    expect(readReactions(kit.sql, message)).toHaveLength(1)
  })
})

it('keeps the earliest acknowledgement of a person', () => {
  const write = (acknowledgedAt: number, id: number, personId = 'p') =>
    kit.write((tx) => writeAcknowledgement(tx, { message, personId, acknowledgedAt, changeId: blob(id) }))
  expect([write(10, 2), write(11, 1), write(10, 3), write(10, 1), write(9, 9), write(50, 1, 'q')]).toEqual([
    true,
    false,
    false,
    true,
    true,
    true,
  ])
  expect(readAcknowledgements(kit.sql, message).map((a) => [a.personId, a.acknowledgedAt])).toEqual([
    ['p', 9],
    ['q', 50],
  ])
})

describe('changes before their message', () => {
  const change = (id: Bytes, parts: Partial<PendingChange> = {}): PendingChange => ({
    message,
    fromAccount: 'a',
    fromDevice: 2,
    changeId: id,
    body: blob(7),
    receivedAt: 1,
    ...parts,
  })
  const add = (c: PendingChange) => kit.write((tx) => addPendingChange(tx, c))
  const take = () => kit.write((tx) => takePendingChanges(tx, message))

  it('are given once, in order of arrival, to the message they are about', () => {
    const other = { ...message, authorId: 'b' }
    expect([add(change(blob(2))), add(change(blob(1))), add(change(blob(2)))]).toEqual([true, true, false])
    // Another account that names the same change id takes nothing away.
    expect(add(change(blob(2), { fromAccount: 'b' }))).toBe(true)
    expect(add(change(blob(3), { message: other }))).toBe(true)
    expect(take()).toEqual([change(blob(2)), change(blob(1)), change(blob(2), { fromAccount: 'b' })])
    expect(take()).toEqual([])
    expect(kit.write((tx) => takePendingChanges(tx, other))).toHaveLength(1)
  })

  it('are 1,000 of an account at most: the oldest go, of that account alone', () => {
    const id = (n: number) => Buffer.from(`change ${n}`)
    kit.write((tx) => {
      addPendingChange(tx, change(id(0), { fromAccount: 'b' }))
      for (let n = 0; n < pendingPerAccount + 3; n += 1) addPendingChange(tx, change(id(n)))
    })
    const taken = take()
    expect(taken).toHaveLength(pendingPerAccount + 1)
    expect(taken.slice(0, 2).map((c) => [c.fromAccount, c.changeId])).toEqual([
      ['b', id(0)],
      ['a', id(3)],
    ])
  })

  it('wait for 31 days', () => {
    const day = 24 * 3_600_000
    add(change(blob(1), { receivedAt: day }))
    add(change(blob(2), { receivedAt: day + 1 }))
    kit.write((tx) => dropOldPendingChanges(tx, 32 * day + 1))
    expect(take().map((c) => c.changeId)).toEqual([blob(2)])
  })
})

it('are told of by the row of their message', () => {
  const [first, second, third] = [1, 2, 3].map((n) => {
    const position = kit.write((tx) => insertMessage(tx, testMessage('a', n))) ?? 0
    return { position, ref: { authorId: 'a', messageId: testMessage('a', n).messageId } }
  })
  const answered = () =>
    [first, second, third].map((one) => readMessage(kit.sql, one?.position ?? 0)?.answered)
  expect(answered()).toEqual([false, false, false])
  const who = { personId: 'p', changeId: blob(1) }
  if (second !== undefined && third !== undefined)
    kit.write((tx) => {
      writeReaction(tx, { ...who, message: second.ref, sentAt: 1, emoji: '👍', service: 0 })
      writeAcknowledgement(tx, { ...who, message: third.ref, acknowledgedAt: 1 })
    })
  expect(answered()).toEqual([false, true, true])
})

it('is answered from indexes', () => {
  for (const [query, ...parameters] of [
    [reactionsOf, 'a', blob(1)],
    [acknowledgementsOf, 'a', blob(1)],
    [pendingQueries.take, blob(1), 'a'],
    [pendingQueries.trim, 'a', 'a'],
    [pendingQueries.age, 1],
  ] as const)
    expect(slowSteps(kit.sql, query, parameters), query).toEqual([])
  // The few versions of one message are put in order by themselves.
  for (const query of [newestEdit, edits])
    expect(slowSteps(kit.sql, query, [1, blob(1)]), query).toEqual(['USE TEMP B-TREE FOR ORDER BY'])
})
