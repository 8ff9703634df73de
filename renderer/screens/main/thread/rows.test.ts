import { expect, test } from 'vitest'
import type { MessageView } from '../../../../src/contract/index.ts'
import { messageSample } from '../../../samples.ts'
import { planBlocks, type Row } from './rows.ts'

const hour = 3_600_000
const dayKey = (at: number): string => String(Math.floor(at / (24 * hour)))

function message(position: number, over: Partial<MessageView> = {}): MessageView {
  return messageSample(position, {
    messageId: `m${position}`,
    conversationId: 'c',
    authorId: 'a',
    sentAt: position * 60_000,
    ...over,
  })
}

function shape(rows: readonly Row[]): string[] {
  return rows.map((row) =>
    row.kind === 'message'
      ? `${row.message.messageId}${row.first ? '<' : ''}${row.last ? '>' : ''}`
      : row.kind,
  )
}

const plan = (messages: readonly MessageView[], newFrom: number | null = null, offline = false) =>
  shape(planBlocks({ messages, newFrom, offline, dayKey }).flatMap((block) => block.rows))

test('runs by one author, a new run after a pause or another author', () => {
  const own = { authorId: 'b', own: true } as const
  expect(plan([message(1), message(2), message(3, own), message(4, own)])).toEqual([
    'day',
    'm1<',
    'm2>',
    'm3<',
    'm4>',
  ])
  expect(plan([message(1), message(2, { sentAt: 2 * hour })])).toEqual(['day', 'm1<>', 'm2<>'])
})

test('days, new messages and what waits for the network are divided', () => {
  const waiting = { own: true, authorId: 'b', delivery: 'queued', sentAt: 25 * hour } as const
  const messages = [
    message(1),
    message(2),
    message(3, { sentAt: 25 * hour }),
    message(4, waiting),
    message(5, waiting),
  ]
  expect(plan(messages, 2, true)).toEqual([
    'day',
    'm1<>',
    'new',
    'm2<>',
    'day',
    'm3<>',
    'queued',
    'm4<',
    'm5>',
  ])
  expect(plan(messages, 2, false)).not.toContain('queued')
})

test('no divider for new messages while the first of them is not held', () => {
  expect(plan([message(5), message(6)], 3)).not.toContain('new')
})

test('an older page leaves the blocks below as they are', () => {
  const all = Array.from({ length: 300 }, (_, index) => message(index + 1))
  const few = planBlocks({ messages: all.slice(120), newFrom: null, offline: false, dayKey })
  const many = planBlocks({ messages: all, newFrom: null, offline: false, dayKey })
  const sizes = (blocks: typeof few) => new Map(blocks.map((block) => [block.key, block.rows.length]))
  for (const key of [3, 4, 5]) expect(sizes(many).get(key)).toBe(sizes(few).get(key))
})
