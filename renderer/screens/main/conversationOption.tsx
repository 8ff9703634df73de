import { memo } from 'react'
import type { ConversationView } from '../../../src/contract/index.ts'
import type { Dates, Text } from '../../../src/text/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { Icon } from '../../components/icon.tsx'
import { useView, useWords } from '../../context.tsx'

interface ConversationOptionProps {
  readonly conversation: ConversationView
  readonly now: number
  readonly selected: boolean
  readonly roving: boolean
  readonly onFocus: (conversationId: string) => void
  readonly onOpen: (conversationId: string) => void
}

export const ConversationOption = memo(function ConversationOption(props: ConversationOptionProps) {
  const { text, dates } = useWords()
  const { conversation, now, selected } = props
  const { conversationId, person, unread } = conversation
  const typed = useView((view) => view.drafts[conversationId])
  const draft = (typed ?? conversation.draft).trim()
  // What is being written in the open conversation is in front of the person's eyes already.
  const shownDraft = selected ? '' : draft
  return (
    <li
      role="option"
      aria-selected={selected}
      aria-label={optionName(text, dates, conversation, shownDraft, now)}
      className={`conv inset${unread > 0 ? ' unread' : ''}`}
      tabIndex={props.roving ? 0 : -1}
      data-region-focus={props.roving ? '' : undefined}
      data-conversation-id={conversationId}
      onFocus={() => props.onFocus(conversationId)}
      onClick={() => props.onOpen(conversationId)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        props.onOpen(conversationId)
      }}
    >
      <Avatar name={person.displayName} accountId={person.accountId} />
      <span className="nm">
        <b className="trunc" title={person.displayName}>
          {person.displayName}
        </b>
      </span>
      <span className="tm">{dates.list(conversation.activeAt, now)}</span>
      <span className="pv">
        <Preview conversation={conversation} draft={shownDraft} />
      </span>
      <span className="fl">
        {conversation.held > 0 && <Icon name="sealBroken" small className="warn" />}
        {conversation.queued > 0 && <Icon name="queued" small className="warn" />}
        {unread > 0 && <span className="count">{unread}</span>}
      </span>
    </li>
  )
})

interface PreviewProps {
  readonly conversation: ConversationView
  readonly draft: string
}

function Preview({ conversation, draft }: PreviewProps) {
  const { text } = useWords()
  const { held, preview } = conversation
  if (held > 0) return <span className="trunc warn strong">{text('list.heldShort')}</span>
  if (draft !== '') {
    return (
      <span className="trunc" dir="auto">
        <span className="draft">{text('list.draft')}</span> {draft}
      </span>
    )
  }
  if (preview === null) return <span className="trunc muted">{text('list.noMessage')}</span>
  return (
    <span className="trunc" dir="auto">
      {preview.own && <b>{text('list.own')}</b>} {oneLine(preview.text)}
    </span>
  )
}

/** Name, unread count, draft or preview, waiting marks, time: in the order in which they matter to a listener. */
function optionName(
  text: Text,
  dates: Dates,
  conversation: ConversationView,
  draft: string,
  now: number,
): string {
  const { person, unread, held, queued, preview, activeAt } = conversation
  const said =
    held > 0
      ? text('list.held', { count: held })
      : draft !== ''
        ? `${text('list.draft')} ${draft}`
        : preview === null
          ? text('list.noMessage')
          : `${preview.own ? `${text('list.own')} ` : ''}${oneLine(preview.text)}`
  const parts = [
    person.displayName,
    unread > 0 ? text('list.unread', { count: unread }) : '',
    said,
    queued > 0 ? text('list.queued', { count: queued }) : '',
    dates.list(activeAt, now),
  ]
  return parts.filter(Boolean).join(', ')
}

function oneLine(value: string): string {
  return value.replaceAll(/\s+/gu, ' ').trim()
}
