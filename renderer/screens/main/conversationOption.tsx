import { memo } from 'react'
import type { ConversationView } from '../../../src/contract/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { Icon } from '../../components/icon.tsx'
import { Seal } from '../../components/seal.tsx'
import { useView, useWords } from '../../context.tsx'

interface ConversationOptionProps {
  readonly conversation: ConversationView
  readonly now: number
  readonly selected: boolean
  readonly roving: boolean
  readonly onFocus: (conversationId: string) => void
  readonly onOpen: (conversationId: string) => void
  /** Asked for by the context key or the other button of the pointer. */
  readonly onMenu: (conversationId: string, option: HTMLElement) => void
}

export const ConversationOption = memo(function ConversationOption(props: ConversationOptionProps) {
  const { text, dates } = useWords()
  const { conversation, now, selected } = props
  const { conversationId, person, unread } = conversation
  const typed = useView((view) => view.drafts[conversationId])
  const draft = (typed ?? conversation.draft).trim()
  // What is being written in the open conversation is in front of the person's eyes already.
  const shownDraft = selected ? '' : draft
  const { held, queued, identity, pinned } = conversation
  const muted = conversation.mutedUntil > now
  const changed = identity === 'changed' || held > 0
  // The name of the option is its text, so its parts stand in the order in which they matter to a listener.
  return (
    <div
      role="option"
      aria-selected={selected}
      className={`conv inset${unread > 0 ? ' unread' : ''}`}
      tabIndex={props.roving ? 0 : -1}
      data-region-focus={props.roving ? '' : undefined}
      data-conversation-id={conversationId}
      onFocus={() => props.onFocus(conversationId)}
      onClick={() => props.onOpen(conversationId)}
      onContextMenu={(event) => {
        event.preventDefault()
        props.onMenu(conversationId, event.currentTarget)
      }}
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
        {!changed && <Seal identity={identity} />}
      </span>
      {unread > 0 && <Said words={text('list.unread', { count: unread })} />}
      {held > 0 && <Said words={text('list.held', { count: held })} />}
      <span className="pv">
        <Preview conversation={conversation} draft={shownDraft} />
      </span>
      {queued > 0 && <Said words={text('list.queued', { count: queued })} />}
      <span className="tm">{dates.list(conversation.activeAt, now)}</span>
      {muted && <Said words={text('list.muted')} />}
      {pinned && <Said words={text('list.isPinned')} />}
      <span className="fl" aria-hidden="true">
        {changed && <Icon name="sealBroken" small className="warn" />}
        {queued > 0 && <Icon name="queued" small className="warn" />}
        {unread > 0 && <span className={muted ? 'count q' : 'count'}>{unread}</span>}
        {muted && <Icon name="muted" small />}
        {pinned && <Icon name="pin" small />}
      </span>
    </div>
  )
})

/** What a sign shows, in words for those who do not see it. */
function Said({ words }: { readonly words: string }) {
  return <span className="vh">, {words}, </span>
}

interface PreviewProps {
  readonly conversation: ConversationView
  readonly draft: string
}

function Preview({ conversation, draft }: PreviewProps) {
  const { text } = useWords()
  const { held, preview } = conversation
  if (held > 0 || conversation.identity === 'changed') {
    return <span className="trunc warn strong">{text('list.heldShort')}</span>
  }
  if (conversation.standing !== 'accepted') {
    return (
      <span className="trunc strong">
        {text(conversation.standing === 'request' ? 'list.request' : 'list.blocked')}
      </span>
    )
  }
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

function oneLine(value: string): string {
  return value.replaceAll(/\s+/gu, ' ').trim()
}
