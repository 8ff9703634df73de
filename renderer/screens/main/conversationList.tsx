import { useEffect, useId, useMemo, useRef, useState, type ReactNode } from 'react'
import type { TextKey } from '../../../src/text/index.ts'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { MenuPopup } from '../../components/menu.tsx'
import { focusList, moveInList } from '../../components/roving.ts'
import { useModel, useNow, useServices, useText, useView } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { openConversation, showDirectory } from '../../store/view.ts'
import { useSettingsGroups } from './conversationMenu.tsx'
import { ConversationOption } from './conversationOption.tsx'
import { ordered, shownIn, type ListFilter } from './order.ts'

const emptyWords: Readonly<Record<ListFilter, TextKey>> = {
  all: 'list.empty',
  unread: 'list.noUnread',
  archived: 'list.noArchived',
}

/** A listbox: arrows move the focus, Enter opens; the selection does not follow the focus. */
export function ConversationList() {
  const text = useText()
  const { view } = useServices()
  const state = useModel(readyOf)
  const openId = useView((one) => one.openId)
  const [filter, setFilter] = useState<ListFilter>('all')
  const [focusedId, setFocusedId] = useState<string | null>(null)
  const [menu, setMenu] = useState<{ readonly id: string; readonly anchor: HTMLElement } | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const now = useNow(60_000)
  const all = useMemo(() => ordered(state?.conversations ?? []), [state?.conversations])
  const unread = all.filter((one) => one.unread > 0 && !one.archived).length
  const archived = all.filter((one) => one.archived).length
  const shown = all.filter((one) => shownIn(filter, one, openId))
  const ids = shown.map((one) => one.conversationId)
  const rovingId = [focusedId, openId].find((id) => id !== null && ids.includes(id)) ?? ids[0]

  // An option that moved to another group is a new element: the focus goes with it.
  const holdsFocus = useRef(false)
  useEffect(() => {
    if (holdsFocus.current && document.activeElement === document.body) focusList()
  }, [all])
  const groups = (
    [
      { label: 'list.pinned', conversations: shown.filter((one) => one.pinned) },
      { label: 'list.recent', conversations: shown.filter((one) => !one.pinned) },
    ] as const
  ).filter((group) => group.conversations.length > 0)

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
          <Chip on={filter === 'all'} label={text('list.all')} onChoose={() => setFilter('all')} />
          <Chip
            on={filter === 'unread'}
            label={text('list.unreadOnly')}
            count={unread}
            onChoose={() => setFilter('unread')}
          />
          {(archived > 0 || filter === 'archived') && (
            <Chip
              on={filter === 'archived'}
              label={text('list.archived')}
              count={archived}
              onChoose={() => setFilter('archived')}
            />
          )}
        </div>
      )}
      {shown.length === 0 ? (
        <p className="hint list-empty">{text(all.length === 0 ? 'list.empty' : emptyWords[filter])}</p>
      ) : (
        <div
          className="scroll"
          role="listbox"
          aria-label={text('list.label')}
          data-testid="conversation-list"
          onKeyDown={moveInList}
          onFocus={() => {
            holdsFocus.current = true
          }}
          onBlur={() => {
            holdsFocus.current = false
          }}
        >
          {groups.map(({ label, conversations }) => (
            <Group key={label} label={text(label)}>
              {conversations.map((conversation) => (
                <ConversationOption
                  key={conversation.conversationId}
                  conversation={conversation}
                  now={now}
                  selected={conversation.conversationId === openId}
                  roving={conversation.conversationId === rovingId}
                  onFocus={setFocusedId}
                  onOpen={(id) => openConversation(view, id)}
                  onMenu={(id, anchor) => setMenu({ id, anchor })}
                />
              ))}
            </Group>
          ))}
        </div>
      )}
      <div className="list-error">
        <ErrorLine error={error} />
      </div>
      <OptionMenu
        conversation={all.find((one) => one.conversationId === menu?.id) ?? null}
        anchor={menu?.anchor ?? null}
        onError={setError}
        onClose={() => {
          menu?.anchor.focus()
          setMenu(null)
        }}
      />
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

interface ChipProps {
  readonly on: boolean
  readonly label: string
  readonly count?: number
  readonly onChoose: () => void
}

function Chip({ on, label, count, onChoose }: ChipProps) {
  return (
    <button type="button" className="chip" aria-pressed={on} onClick={onChoose}>
      {label} {count !== undefined && <span className="num">{count}</span>}
    </button>
  )
}

function Group({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  const id = useId()
  return (
    <div role="group" aria-labelledby={id}>
      <div className="lsec" id={id} role="presentation">
        {label}
      </div>
      {children}
    </div>
  )
}

interface OptionMenuProps {
  readonly conversation: ConversationView | null
  readonly anchor: HTMLElement | null
  readonly onError: (error: ErrorReport | null) => void
  readonly onClose: () => void
}

function OptionMenu({ conversation, ...rest }: OptionMenuProps) {
  return conversation === null ? null : <OpenMenu conversation={conversation} {...rest} />
}

function OpenMenu({
  conversation,
  anchor,
  onError,
  onClose,
}: OptionMenuProps & { readonly conversation: ConversationView }) {
  const text = useText()
  const groups = useSettingsGroups(conversation, onError)
  return <MenuPopup label={text('menu.open')} groups={groups} anchor={anchor} onClose={onClose} />
}
