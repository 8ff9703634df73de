import { memo, type KeyboardEvent } from 'react'
import type { Delivery, OwnAccount, Person } from '../../../../src/contract/index.ts'
import { errorText } from '../../../../src/text/index.ts'
import { Avatar } from '../../../components/avatar.tsx'
import { Icon, type IconName } from '../../../components/icon.tsx'
import { useWords } from '../../../context.tsx'
import { MessageText } from './messageText.tsx'
import type { Row } from './rows.ts'

export type MessageRowData = Extract<Row, { kind: 'message' }>

export interface RowActions {
  readonly onFocus: (messageId: string) => void
  readonly onRetry: (messageId: string) => void
  readonly onDiscard: (messageId: string) => void
  readonly onLink: (address: string) => void
}

interface MessageRowProps extends RowActions {
  readonly row: MessageRowData
  /** All that are known of, or -1 while older ones are not held. */
  readonly setSize: number
  readonly person: Person
  readonly account: OwnAccount
  readonly roving: boolean
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { text, dates } = useWords()
  const { row, person, account, roving } = props
  const { message } = row
  const author = message.own ? account.person : person
  const shownAuthor = message.own ? text('thread.you') : author.displayName
  const time = dates.clock(message.sentAt)
  const state = message.delivery === 'received' ? null : text(`delivery.${message.delivery}`)
  const label =
    state === null
      ? text('thread.row', { author: shownAuthor, time })
      : text('thread.rowWithState', { author: shownAuthor, time, state })
  const classes = [
    'msg inset',
    row.first ? 'first' : '',
    row.last ? 'last' : '',
    message.own ? 'own' : '',
    message.delivery === 'failed' ? 'fail' : '',
  ]
  return (
    <article
      className={classes.filter(Boolean).join(' ')}
      aria-label={label}
      aria-posinset={row.index}
      aria-setsize={props.setSize}
      tabIndex={roving ? 0 : -1}
      data-region-focus={roving ? '' : undefined}
      data-message-id={message.messageId}
      data-position={message.position}
      data-delivery={message.delivery}
      onFocus={() => props.onFocus(message.messageId)}
      onKeyDown={moveInside}
    >
      {row.first ? <Avatar name={author.displayName} accountId={author.accountId} /> : <span />}
      <div className="body">
        {row.first && (
          <div className="who">
            <b>{shownAuthor}</b>
            {!message.own && <span>{author.service}</span>}
          </div>
        )}
        {message.kind === 'text' ? (
          <MessageText value={message.text} reachable={roving} onLink={props.onLink} />
        ) : (
          <p className="gone">
            <Icon name="info" small />
            {text('thread.unknown')}
          </p>
        )}
        {message.delivery === 'failed' && <Failure {...props} />}
      </div>
      <span className="led">
        <time dateTime={new Date(message.sentAt).toISOString()}>{time}</time>
        {message.delivery !== 'received' && <DeliveryMark delivery={message.delivery} />}
      </span>
      {message.delivery === 'queued' && <QueuedTools {...props} />}
    </article>
  )
})

/** → goes to the row's own controls, Escape comes back to the row. */
function moveInside(event: KeyboardEvent<HTMLElement>): void {
  const row = event.currentTarget
  const inside = event.target !== row
  if (event.key === 'ArrowRight' && !inside) {
    row.querySelector<HTMLElement>('button, a')?.focus()
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

function Failure({ row, onRetry, onDiscard }: MessageRowProps) {
  const { text } = useWords()
  const { messageId, error } = row.message
  return (
    <div className="failure">
      <span className="errline">
        <Icon name="warning" small />
        <span>
          {error === null
            ? text('thread.failedPlain')
            : text('thread.failed', { reason: errorText(text, error.code) })}
        </span>
      </span>
      <span className="failure-acts">
        <button type="button" className="btn slim" onClick={() => onRetry(messageId)}>
          {text('thread.retry')}
        </button>
        <button type="button" className="btn quiet slim" onClick={() => onDiscard(messageId)}>
          {text('thread.discard')}
        </button>
      </span>
    </div>
  )
}

/** Shown while the row is hovered or holds the focus; above the row, so that its text stays readable. */
function QueuedTools({ row, onDiscard }: MessageRowProps) {
  const { text } = useWords()
  return (
    <div className="tools" role="toolbar" aria-label={text('thread.tools')}>
      <button
        type="button"
        className="btn quiet slim"
        tabIndex={-1}
        onClick={() => onDiscard(row.message.messageId)}
      >
        {text('thread.cancel')}
      </button>
    </div>
  )
}
