import { memo, useCallback } from 'react'
import type { OwnAccount, Person } from '../../../../src/contract/index.ts'
import { Icon } from '../../../components/icon.tsx'
import { dayMs } from '../../../components/spans.ts'
import { useWords } from '../../../context.tsx'
import { MessageRow, type MessageRowData, type RowActions } from './messageRow.tsx'
import type { Block, Row } from './rows.ts'

interface MessageBlockProps {
  readonly block: Block
  readonly mounted: boolean
  readonly height: number | null
  readonly register: (key: number, element: HTMLElement | null) => void
  readonly rovingKey: string | null
  /** The row under the pointer. */
  readonly hoveredKey: string | null
  readonly setSize: number
  readonly person: Person
  readonly account: OwnAccount
  readonly open: boolean
  readonly actions: RowActions
  readonly now: number
}

/** Height of a row that was never measured: one line of text. */
const guessedRowPx = 30

export const MessageBlock = memo(
  function MessageBlock(props: MessageBlockProps) {
    const { block, mounted, height, register } = props
    const attach = useCallback(
      (element: HTMLElement | null) => register(block.key, element),
      [register, block.key],
    )
    if (!mounted) {
      const guessed = height ?? block.rows.length * guessedRowPx
      return <div ref={attach} data-block={block.key} style={{ height: guessed }} />
    }
    return (
      <div ref={attach} data-block={block.key}>
        {block.rows.map((row) => (
          <RowOf key={row.key} row={row} {...props} />
        ))}
      </div>
    )
  },
  (before, after) =>
    before.mounted === after.mounted &&
    (!after.mounted || before.height === after.height) &&
    before.person === after.person &&
    before.account === after.account &&
    before.actions === after.actions &&
    before.now === after.now &&
    before.setSize === after.setSize &&
    before.open === after.open &&
    within(before, before.rovingKey) === within(after, after.rovingKey) &&
    within(before, before.hoveredKey) === within(after, after.hoveredKey) &&
    sameRows(before.block.rows, after.block.rows),
)

function within({ block }: MessageBlockProps, id: string | null): string | null {
  return block.rows.some((row) => row.key === id) ? id : null
}

/** Rows that say nothing of the passing time are not drawn again each minute. */
function timeOf({ message }: MessageRowData, now: number): number {
  const timed = message.timerSeconds > 0 || message.acknowledgement !== null
  // Whether it may still be edited changes once.
  const day = Math.floor((now - message.sentAt) / dayMs)
  return timed ? now : message.sentAt + Math.min(1, Math.max(0, day)) * dayMs
}

function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, index) => sameRow(row, b[index]))
}

function sameRow(a: Row, b: Row | undefined): boolean {
  if (b === undefined || a.key !== b.key) return false
  if (a.kind === 'queued') return b.kind === 'queued' && a.count === b.count
  if (a.kind !== 'message' || b.kind !== 'message') return true
  return a.message === b.message && a.first === b.first && a.last === b.last && a.index === b.index
}

function RowOf({ row, ...props }: MessageBlockProps & { readonly row: Row }) {
  const { text, dates } = useWords()
  // Dividers are plain text here: a feed may hold articles only, and a separator would hide its words.
  switch (row.kind) {
    case 'day':
      return (
        <div className="day">
          <span>{dates.day(row.at, props.now)}</span>
        </div>
      )
    case 'new':
      return (
        <div className="day new" data-new="">
          <span>{text('thread.new')}</span>
        </div>
      )
    case 'queued':
      return (
        <div className="day waiting">
          <span>
            <Icon name="queued" small />
            {text('thread.queued', { count: row.count })}
          </span>
        </div>
      )
    case 'message':
      return (
        <MessageRow
          row={row}
          setSize={props.setSize}
          person={props.person}
          account={props.account}
          open={props.open}
          roving={row.key === props.rovingKey}
          tools={row.key === props.rovingKey || row.key === props.hoveredKey}
          now={timeOf(row, props.now)}
          {...props.actions}
        />
      )
  }
}
