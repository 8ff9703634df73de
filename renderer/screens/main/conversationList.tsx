import { useId, useMemo, useState } from 'react'
import { Icon } from '../../components/icon.tsx'
import { moveInList } from '../../components/roving.ts'
import { useModel, useNow, useServices, useText, useView } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { openConversation, showDirectory } from '../../store/view.ts'
import { ConversationOption } from './conversationOption.tsx'
import { ordered } from './order.ts'

/** A listbox: arrows move the focus, Enter opens; the selection does not follow the focus. */
export function ConversationList() {
  const text = useText()
  const { view } = useServices()
  const state = useModel(readyOf)
  const openId = useView((one) => one.openId)
  const [unreadOnly, setUnreadOnly] = useState(false)
  const [focusedId, setFocusedId] = useState<string | null>(null)
  const groupId = useId()
  const now = useNow(60_000)
  const all = useMemo(() => ordered(state?.conversations ?? []), [state?.conversations])
  const unread = all.filter((one) => one.unread > 0).length
  const shown = unreadOnly ? all.filter((one) => one.unread > 0 || one.conversationId === openId) : all
  const ids = shown.map((one) => one.conversationId)
  const rovingId = [focusedId, openId].find((id) => id !== null && ids.includes(id)) ?? ids[0]

  return (
    <section className="panel list" aria-label={text('list.label')} data-region="list">
      <div className="lhead">
        <h1>{text('list.title')}</h1>
        <button
          type="button"
          className="ib sm"
          aria-label={text('list.new')}
          aria-keyshortcuts="Control+N"
          title={text('list.new')}
          onClick={() => showDirectory(view)}
        >
          <Icon name="compose" />
        </button>
      </div>
      {all.length > 0 && (
        <div className="filters" role="group" aria-label={text('list.filter')}>
          <button
            type="button"
            className="chip"
            aria-pressed={!unreadOnly}
            onClick={() => setUnreadOnly(false)}
          >
            {text('list.all')}
          </button>
          <button
            type="button"
            className="chip"
            aria-pressed={unreadOnly}
            onClick={() => setUnreadOnly(true)}
          >
            {text('list.unreadOnly')} <span className="num">{unread}</span>
          </button>
        </div>
      )}
      {shown.length === 0 ? (
        <p className="hint list-empty">{text(all.length === 0 ? 'list.empty' : 'list.noUnread')}</p>
      ) : (
        <div
          className="scroll"
          role="listbox"
          aria-label={text('list.label')}
          data-testid="conversation-list"
          onKeyDown={moveInList}
        >
          <div role="group" aria-labelledby={groupId}>
            <div className="lsec" id={groupId} role="presentation">
              {text('list.recent')}
            </div>
            {shown.map((conversation) => (
              <ConversationOption
                key={conversation.conversationId}
                conversation={conversation}
                now={now}
                selected={conversation.conversationId === openId}
                roving={conversation.conversationId === rovingId}
                onFocus={setFocusedId}
                onOpen={(id) => openConversation(view, id)}
              />
            ))}
          </div>
        </div>
      )}
      {state !== null && all.length > 0 && (
        <div className="lfoot">
          <span className="trunc">
            {text('list.account', {
              name: state.account.person.displayName,
              service: state.account.person.service,
            })}
          </span>
          <span className="seal">
            <Icon name="lock" small />
            {text('list.encrypted')}
          </span>
        </div>
      )}
    </section>
  )
}
