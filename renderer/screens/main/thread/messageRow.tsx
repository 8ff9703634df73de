import { memo, useMemo, type KeyboardEvent } from 'react'
import type {
  Delivery,
  MessageRef,
  MessageView,
  OwnAccount,
  Person,
  ReactionChoice,
} from '../../../../src/contract/index.ts'
import { Avatar } from '../../../components/avatar.tsx'
import { Icon, type IconName } from '../../../components/icon.tsx'
import { useWords } from '../../../context.tsx'
import { allowed, type Allowed } from './allowed.ts'
import { MessageBody } from './messageBody.tsx'
import { MessageTools } from './messageTools.tsx'
import type { Row } from './rows.ts'
import { SystemLine } from './systemLine.tsx'
import { TimerDial } from './timerDial.tsx'
import { insteadOfText } from './words.ts'

export type MessageRowData = Extract<Row, { kind: 'message' }>

export interface RowActions {
  /** With the key of the row. */
  readonly onFocus: (key: string) => void
  readonly onRetry: (messageId: string) => void
  readonly onDiscard: (messageId: string) => void
  readonly onLink: (address: string) => void
  readonly onReply: (message: MessageView) => void
  readonly onEdit: (message: MessageView) => void
  readonly onCopy: (message: MessageView) => void
  /** Asks first. */
  readonly onDelete: (message: MessageView) => void
  /** Chosen again it is taken back. */
  readonly onReact: (message: MessageView, choice: ReactionChoice) => void
  readonly onAcknowledge: (message: MessageView) => void
  readonly onVersions: (message: MessageView) => void
  readonly onJump: (ref: MessageRef) => void
}

/** What every part of a row is given. */
export interface RowContext extends RowActions {
  readonly message: MessageView
  readonly person: Person
  readonly ownId: string
  readonly may: Allowed
  readonly roving: boolean
  readonly now: number
  readonly nameOf: (accountId: string) => string
}

interface MessageRowProps extends RowActions {
  readonly row: MessageRowData
  /** All that are known of, or -1 while older ones are not held. */
  readonly setSize: number
  readonly person: Person
  readonly account: OwnAccount
  /** Whether anything may be sent into the conversation. */
  readonly open: boolean
  readonly roving: boolean
  /** Hovered, or the one that keys act on. */
  readonly tools: boolean
  readonly now: number
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { text } = useWords()
  const { row, person, account, roving, open, now, ...actions } = props
  const { message } = row
  const own = account.person
  const you = text('thread.you')
  const nameOf = useMemo(
    () => (accountId: string) => (accountId === own.accountId ? you : person.displayName),
    [own.accountId, you, person.displayName],
  )
  const context: RowContext = {
    ...actions,
    message,
    person,
    ownId: own.accountId,
    may: allowed(message, open, now),
    roving,
    now,
    nameOf,
  }
  const system = message.kind === 'system'
  const classes = [
    system ? 'msg sys-row inset' : 'msg inset',
    row.first ? 'first' : '',
    row.last ? 'last' : '',
    message.own && !system ? 'own' : '',
    message.delivery === 'failed' ? 'fail' : '',
  ]
  return (
    <article
      className={classes.filter(Boolean).join(' ')}
      aria-label={useLabel(message, nameOf(message.authorId), person.displayName)}
      aria-posinset={row.index}
      aria-setsize={props.setSize}
      tabIndex={roving ? 0 : -1}
      data-region-focus={roving ? '' : undefined}
      data-row={row.key}
      data-message-id={message.messageId}
      data-position={message.position}
      data-delivery={message.delivery}
      onFocus={() => props.onFocus(row.key)}
      onKeyDown={moveInside}
    >
      {system ? (
        <SystemLine {...context} />
      ) : (
        <Columns row={row} author={message.own ? own : person} {...context} />
      )}
      {props.tools && !system && <MessageTools {...context} />}
    </article>
  )
})

function useLabel(message: MessageView, author: string, name: string): string {
  const { text, dates } = useWords()
  const time = dates.clock(message.sentAt)
  if (message.kind === 'system') {
    return text('thread.row', { author: insteadOfText(text, message, name) ?? '', time })
  }
  return message.delivery === 'received'
    ? text('thread.row', { author, time })
    : text('thread.rowWithState', { author, time, state: text(`delivery.${message.delivery}`) })
}

interface ColumnsProps extends RowContext {
  readonly row: MessageRowData
  readonly author: Person
}

/** Gutter, text and ledger. */
function Columns({ row, author, ...context }: ColumnsProps) {
  const { dates } = useWords()
  const { message, now } = context
  return (
    <>
      {row.first ? <Avatar name={author.displayName} accountId={author.accountId} /> : <span />}
      <div className="body">
        {row.first && (
          <div className="who">
            <b>{context.nameOf(message.authorId)}</b>
            {!message.own && <span>{author.service}</span>}
          </div>
        )}
        <MessageBody {...context} />
      </div>
      <span className="led">
        <TimerDial message={message} now={now} />
        <time dateTime={new Date(message.sentAt).toISOString()}>{dates.clock(message.sentAt)}</time>
        {message.delivery !== 'received' && <DeliveryMark delivery={message.delivery} />}
      </span>
    </>
  )
}

/** → goes to the row's own controls and on through them, ← back; Escape comes back to the row. */
function moveInside(event: KeyboardEvent<HTMLElement>): void {
  const row = event.currentTarget
  const inside = event.target !== row
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
  if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
    const controls = [...row.querySelectorAll<HTMLElement>('button, a')].filter(
      (one) => !one.closest('[popover]'),
    )
    const at = controls.findIndex((one) => one === document.activeElement)
    const to = at + (event.key === 'ArrowRight' ? 1 : -1)
    if (inside && to < 0) row.focus()
    else if (inside || to === 0) controls[to]?.focus()
    event.preventDefault()
  } else if (event.key === 'Escape' && inside) {
    row.focus()
    // Handled here: the window's Escape would go on to the composer.
    event.preventDefault()
  }
}

const marks: Readonly<Record<Exclude<Delivery, 'received'>, IconName>> = {
  queued: 'queued',
  sending: 'sending',
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  failed: 'warning',
}

function DeliveryMark({ delivery }: { readonly delivery: Exclude<Delivery, 'received'> }) {
  const { text } = useWords()
  const words = text(`delivery.${delivery}`)
  return (
    <span className={`st ${delivery}`} title={words}>
      <Icon name={marks[delivery]} label={words} />
    </span>
  )
}
