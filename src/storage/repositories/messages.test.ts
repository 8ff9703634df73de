import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testMessage, testVault, type TestVault } from '../testkit.ts'
import { writeAcknowledgement, readAcknowledgements } from './acknowledgements.ts'
import { readConversation, touchConversation } from './conversations.ts'
import { dueExpired, expiryQueries, nextExpiry } from './expiry.ts'
import {
  deleteMessages,
  findMessage,
  insertMessage,
  messageQueries,
  newestMessage,
  readMessage,
  readPage,
  readRaw,
  replaceMark,
  reservePosition,
  type NewMessage,
} from './messages.ts'
import { readEdits, writeVersion } from './messageVersions.ts'
import { insertJob, jobOfMessage, readCiphertexts, storeCiphertexts } from './outbox.ts'
import { readReactions, writeReaction } from './reactions.ts'
import { markMessagesRead, markRead, startTimer, unreadUpTo } from './readState.ts'
import { rememberReceived } from './received.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
  kit.write((tx) => touchConversation(tx, 'a', 1))
})
afterEach(() => kit.remove())

const insert = (message: NewMessage): number => kit.write((tx) => insertMessage(tx, message) ?? 0)

it('keeps everything that a message has', () => {
  const message = testMessage('a', 1, {
    body: blob(1, 2),
    raw: blob(3),
    timerSeconds: 60,
    acknowledgeBy: 0,
    readAt: 9,
  })
  const position = insert(message)
  const { raw, ...shown } = message
  expect(readMessage(kit.sql, position)).toEqual({
    ...shown,
    position,
    error: null,
    system: null,
    deletedAt: null,
    editedAt: null,
    expiresAt: null,
    answered: false,
  })
  expect(readRaw(kit.sql, position)).toEqual(raw)
  const system = insert(testMessage('a', 2, { kind: 'system', system: '{"kind":"timer"}' }))
  expect(readMessage(kit.sql, system)).toMatchObject({ system: '{"kind":"timer"}', readAt: 2, body: null })
  expect(newestMessage(kit.sql, 'a')?.position).toBe(system)
})

it('keeps a place for a message that cannot be read yet', () => {
  const first = kit.write((tx) => reservePosition(tx))
  const before = insert(testMessage('a', 1))
  const kept = kit.write((tx) => reservePosition(tx))
  const after = insert(testMessage('a', 2))
  expect(kit.write((tx) => insertMessage(tx, testMessage('a', 3), kept))).toBe(kept)
  expect(kit.write((tx) => insertMessage(tx, testMessage('a', 3), first))).toBeNull()
  expect(insert(testMessage('a', 4))).toBeGreaterThan(after)
  const page = readPage(kit.sql, 'a', null, 3)
  expect(page.map(({ position }) => position).slice(0, 2)).toEqual([kept, after])
  expect(kept).toBeGreaterThan(before)
})

it("finds a message by its author and id, whichever device wrote it, and nobody else's", () => {
  kit.write((tx) => touchConversation(tx, 'b', 1))
  const position = insert(testMessage('a', 1, { authorDevice: 3 }))
  const other = insert(testMessage('b', 1))
  expect(findMessage(kit.sql, 'a', Buffer.alloc(16, 1))?.position).toBe(position)
  expect(findMessage(kit.sql, 'b', Buffer.alloc(16, 1))?.position).toBe(other)
  expect(findMessage(kit.sql, 'c', Buffer.alloc(16, 1))).toBeNull()
})

describe('a mark', () => {
  const mark = testMessage('a', 7, { kind: 'undecryptable', text: '', readAt: 8 })
  const again = testMessage('a', 1, { text: 'again', body: blob(5), timerSeconds: 5 })
  const replace = (envelope: number, message: NewMessage) =>
    kit.write((tx) => replaceMark(tx, 'a', Buffer.alloc(16, envelope), message))

  it('gives its place to the message that was sent again, which is unread then', () => {
    const position = insert(mark)
    const behind = insert(testMessage('a', 2))
    expect(replace(7, again)).toBe(position)
    expect(readPage(kit.sql, 'a', null, 9)).toMatchObject([
      { position, kind: 'text', text: 'again', body: blob(5), readAt: null, timerSeconds: 5 },
      { position: behind },
    ])
    expect(readConversation(kit.sql, 'a')?.unread).toBe(2)
    expect(replace(7, again)).toBeNull()
  })

  it('goes without a trace when the message is there already', () => {
    const there = insert(again)
    insert(mark)
    expect(replace(7, again)).toBeNull()
    expect(readPage(kit.sql, 'a', null, 9).map((m) => m.position)).toEqual([there])
  })

  it.each([
    ['another account', { ...again, authorId: 'b' }, 7],
    ['another device', { ...again, authorDevice: 2 }, 7],
    ['another envelope', again, 6],
  ])('stays when %s sends', (_, message, envelope) => {
    const position = insert(mark)
    expect(replace(envelope, message)).toBeNull()
    expect(readMessage(kit.sql, position)?.kind).toBe('undecryptable')
  })

  it('is the only row that is replaced', () => {
    const position = insert(testMessage('a', 7, { text: 'kept' }))
    expect(replace(7, again)).toBeNull()
    expect(readMessage(kit.sql, position)?.text).toBe('kept')
  })
})

describe('reading', () => {
  it('tells what became read, once, and begins its timers', () => {
    const positions = [1, 2, 3].map((n) => insert(testMessage('a', n, { timerSeconds: n === 2 ? 30 : 0 })))
    insert(testMessage('a', 4, { own: true, authorId: 'me', timerSeconds: 30 }))
    const read = () => kit.write((tx) => markRead(tx, 'a', positions[1] ?? 0, 1_000))
    expect(read()).toEqual(
      [1, 2].map((n) => ({
        position: positions[n - 1],
        conversationId: 'a',
        authorId: 'a',
        messageId: Buffer.alloc(16, n),
        kind: 'text',
      })),
    )
    expect(read()).toEqual([])
    expect(readPage(kit.sql, 'a', null, 9).map((m) => [m.readAt, m.expiresAt])).toEqual([
      [1_000, null],
      [1_000, 31_000],
      [null, null],
      [null, null],
    ])
    expect(readConversation(kit.sql, 'a')).toMatchObject({ unread: 1, firstUnread: positions[2] })
  })

  it("of named messages reads those alone that are unread, another's and of this conversation", () => {
    kit.write((tx) => touchConversation(tx, 'b', 1))
    for (const n of [1, 2]) insert(testMessage('a', n, { timerSeconds: 1 }))
    insert(testMessage('a', 3, { own: true }))
    insert(testMessage('b', 4))
    const refs = [1, 3, 9].map((n) => ({ authorId: 'a', messageId: Buffer.alloc(16, n) }))
    const read = () =>
      kit.write((tx) =>
        markMessagesRead(tx, 'a', [...refs, { authorId: 'b', messageId: Buffer.alloc(16, 4) }], 50),
      )
    expect(read().map((m) => m.messageId)).toEqual([Buffer.alloc(16, 1)])
    expect(read()).toEqual([])
    expect(findMessage(kit.sql, 'a', Buffer.alloc(16, 1))).toMatchObject({ readAt: 50, expiresAt: 1_050 })
    expect(readConversation(kit.sql, 'a')?.unread).toBe(1)
    expect(readConversation(kit.sql, 'b')?.unread).toBe(1)
  })
})

describe('timers', () => {
  it('begin once, and what is over is found in its order', () => {
    const [long, short, none] = [60, 10, 0].map((timerSeconds, n) =>
      insert(testMessage('a', n + 1, { timerSeconds })),
    )
    expect(nextExpiry(kit.sql)).toBeNull()
    kit.write((tx) => {
      for (const position of [long, short, none]) startTimer(tx, position ?? 0, 1_000)
      startTimer(tx, long ?? 0, 99_000)
    })
    expect(nextExpiry(kit.sql)).toBe(11_000)
    const due = (now: number, limit = 9) => dueExpired(kit.sql, now, limit).map((m) => m.position)
    expect([due(10_999), due(11_000), due(61_000), due(61_000, 1)]).toEqual([
      [],
      [short],
      [short, long],
      [short],
    ])
    expect(dueExpired(kit.sql, 11_000, 1)).toEqual([{ position: short, conversationId: 'a' }])
  })
})

it('deletes messages with all that hangs on them, and keeps what makes them known', () => {
  const message = testMessage('a', 1, { own: true })
  const ref = { authorId: 'a', messageId: message.messageId }
  const position = insert(message)
  const kept = insert(testMessage('a', 2))
  const key = { accountId: 'a', deviceId: 1, messageId: message.messageId }
  const jobId = kit.write((tx) => {
    rememberReceived(tx, key, 1)
    writeVersion(tx, position, { editId: blob(1), sentAt: 2, text: 'edited', body: null })
    writeReaction(tx, { message: ref, personId: 'p', sentAt: 1, changeId: blob(1), emoji: '👍', service: 0 })
    writeAcknowledgement(tx, { message: ref, personId: 'p', acknowledgedAt: 1, changeId: blob(1) })
    const id = insertJob(tx, {
      lane: 'a',
      destination: 'a',
      kind: 'message',
      messagePosition: position,
      content: blob(1),
      createdAt: 1,
    })
    const made = { deviceId: 1, registrationId: 1, envelopeId: blob(1), type: 2, ciphertext: blob(1) }
    storeCiphertexts(tx, id, [made])
    return id
  })
  expect(readCiphertexts(kit.sql, jobId)).toHaveLength(1)
  kit.write((tx) => deleteMessages(tx, [position, 999]))
  expect(readPage(kit.sql, 'a', null, 9).map((m) => m.position)).toEqual([kept])
  expect([
    readReactions(kit.sql, ref),
    readAcknowledgements(kit.sql, ref),
    readEdits(kit.sql, position),
  ]).toEqual([[], [], []])
  expect(kit.sql.get('SELECT count(*) AS n FROM message_edit')).toEqual({ n: 0 })
  expect([jobOfMessage(kit.sql, position), readCiphertexts(kit.sql, jobId)]).toEqual([null, []])
  expect(kit.write((tx) => rememberReceived(tx, key, 2))).toBe(false)
})

it('is answered from indexes', () => {
  for (const [query, ...parameters] of [
    [messageQueries.page, 'a', 9, 50],
    [messageQueries.newest, 'a'],
    [messageQueries.find, blob(1), 'a'],
    [messageQueries.own, blob(1)],
    [messageQueries.mark, blob(1), 'a', 1, 'a'],
    [unreadUpTo, 'a', 9],
    [expiryQueries.due, 9, 9],
    [expiryQueries.next],
  ] as const)
    expect(slowSteps(kit.sql, query, parameters), query).toEqual([])
})
