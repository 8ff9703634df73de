import type { MessageView } from '../../../../src/contract/index.ts'
import { messageKey } from '../../../store/thread.ts'

/** What stands in the thread, from top to bottom. */
export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'queued'; readonly key: string; readonly count: number }
  | {
      readonly kind: 'message'
      readonly key: string
      readonly message: MessageView
      /** Place in what is held, from 1. */
      readonly index: number
      /** First of a run by one author: shows the name. */
      readonly first: boolean
      readonly last: boolean
    }

/** Rows that are mounted and unmounted together. */
export interface Block {
  readonly key: number
  readonly rows: readonly Row[]
}

export interface RowPlan {
  readonly messages: readonly MessageView[]
  /** Position from which messages were new when the conversation was opened; null: none. */
  readonly newFrom: number | null
  readonly offline: boolean
  readonly dayKey: (at: number) => string
}

/** A pause of an hour makes the same author be named again. */
const runPauseMs = 3_600_000
/** Positions a block spans: an older page never moves the border of a block that is shown. */
const blockSpan = 50

export function planBlocks(plan: RowPlan): readonly Block[] {
  const blocks = new Map<number, Row[]>()
  const { messages } = plan
  const marks = dividerPlaces(plan)
  messages.forEach((message, at) => {
    const key = Math.floor(message.position / blockSpan)
    const rows = blocks.get(key) ?? []
    blocks.set(key, rows)
    const day = opensDay(plan, at)
    if (day)
      rows.push({
        kind: 'day',
        key: `day-${plan.dayKey(message.sentAt)}-${message.position}`,
        at: message.sentAt,
      })
    if (at === marks.newAt) rows.push({ kind: 'new', key: 'new' })
    if (at === marks.queuedAt) rows.push({ kind: 'queued', key: 'queued', count: marks.queuedCount })
    rows.push({
      kind: 'message',
      key: messageKey(message),
      message,
      index: at + 1,
      first: opensRun(plan, marks, at),
      last: at + 1 === messages.length || opensRun(plan, marks, at + 1),
    })
  })
  return [...blocks].map(([key, rows]) => ({ key, rows }))
}

interface DividerPlaces {
  readonly newAt: number
  readonly queuedAt: number
  readonly queuedCount: number
}

function dividerPlaces({ messages, newFrom, offline }: RowPlan): DividerPlaces {
  const oldest = messages[0]
  // When the first new message is not held yet, a divider anywhere would tell a wrong place.
  const held = newFrom !== null && oldest !== undefined && oldest.position <= newFrom
  const newAt = held ? messages.findIndex((one) => !one.own && one.position >= newFrom) : -1
  const waiting = offline ? messages.filter((one) => one.delivery === 'queued') : []
  const queuedAt = waiting.length === 0 ? -1 : messages.findIndex((one) => one.delivery === 'queued')
  return { newAt, queuedAt, queuedCount: waiting.length }
}

function opensDay({ messages, dayKey }: RowPlan, at: number): boolean {
  const before = messages[at - 1]
  const message = messages[at]
  if (message === undefined) return false
  return before === undefined || dayKey(before.sentAt) !== dayKey(message.sentAt)
}

function opensRun(plan: RowPlan, marks: DividerPlaces, at: number): boolean {
  const before = plan.messages[at - 1]
  const message = plan.messages[at]
  if (before === undefined || message === undefined) return true
  return (
    before.authorId !== message.authorId ||
    before.kind === 'system' ||
    message.kind === 'system' ||
    message.sentAt - before.sentAt > runPauseMs ||
    at === marks.newAt ||
    at === marks.queuedAt ||
    opensDay(plan, at)
  )
}
