import { expect, test } from 'vitest'
import type { ConversationView } from '../../../src/contract/index.ts'
import { conversationSample } from '../../samples.ts'
import { neighbour, ordered, shownIn } from './order.ts'

function conversation(conversationId: string, activeAt: number, unread = 0): ConversationView {
  return conversationSample({ conversationId, activeAt, unread })
}

const all = [conversation('a', 1), conversation('b', 3, 2), conversation('c', 2), conversation('d', 3)]

test('the most recent first, always the same way when equal', () => {
  expect(ordered(all).map((one) => one.conversationId)).toEqual(['b', 'd', 'c', 'a'])
  expect(ordered(all.toReversed()).map((one) => one.conversationId)).toEqual(['b', 'd', 'c', 'a'])
})

test('the neighbour, from none, at the ends, unread only', () => {
  expect(neighbour(all, null, 1, false)?.conversationId).toBe('b')
  expect(neighbour(all, null, -1, false)?.conversationId).toBe('a')
  expect(neighbour(all, 'd', 1, false)?.conversationId).toBe('c')
  expect(neighbour(all, 'a', 1, false)).toBeNull()
  expect(neighbour(all, 'a', -1, true)?.conversationId).toBe('b')
  expect(neighbour(all, 'b', 1, true)).toBeNull()
})

test('pinned ones come first; archived ones are apart, except the open one', () => {
  const pinned = conversationSample({ conversationId: 'p', activeAt: 0, pinned: true })
  const archived = conversationSample({ conversationId: 'x', activeAt: 9, archived: true })
  expect(ordered([...all, pinned]).map((one) => one.conversationId)).toEqual(['p', 'b', 'd', 'c', 'a'])
  expect(shownIn('all', archived, null)).toBe(false)
  expect(shownIn('archived', archived, null)).toBe(true)
  expect(shownIn('unread', archived, 'x')).toBe(true)
  expect(shownIn('archived', pinned, null)).toBe(false)
  expect(neighbour([...all, archived], null, 1, false)?.conversationId).toBe('b')
})
