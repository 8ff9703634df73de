import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import type { ConversationView } from '../../../../src/contract/index.ts'
import { Icon } from '../../../components/icon.tsx'
import { target } from '../../../components/roving.ts'
import { useModel, useNow, useServices, useWords } from '../../../context.tsx'
import { readyOf, type Thread } from '../../../store/state.ts'
import { messageKey } from '../../../store/thread.ts'
import { allowed, writable } from './allowed.ts'
import { AskedDialog } from './askedDialog.tsx'
import { MessageBlock } from './messageBlock.tsx'
import { useReadingPlace } from './readingPlace.ts'
import { planBlocks } from './rows.ts'
import { actOnKey, useRowActions } from './rowActions.ts'
import { useReadReports } from './useReadReports.ts'
import { useVisibleBlocks } from './useVisibleBlocks.ts'

interface FeedProps {
  readonly conversation: ConversationView
  readonly thread: Thread
  readonly onError: (error: ErrorReport | null) => void
}

/** Older messages are asked for when fewer pixels than this lie above the view. */
const loadAheadPx = 800

export function Feed({ conversation, thread, onError }: FeedProps) {
  const { text, dates } = useWords()
  const { messenger } = useServices()
  const state = useModel(readyOf)
  const now = useNow(60_000)
  const { conversationId, person } = conversation
  const { messages, more } = thread
  const scroller = useRef<HTMLDivElement>(null)
  const inner = useRef<HTMLDivElement>(null)
  const [activeKey, setActiveKey] = useState<string | null>(null)
  const [hoveredKey, setHoveredKey] = useState<string | null>(null)
  const [away, setAway] = useState(false)
  const { newFrom, seen } = useReadReports(conversation, scroller)
  const offline = state?.connection.state === 'offline'
  const blocks = useMemo(
    () => planBlocks({ messages, newFrom, offline, dayKey: dates.dayKey }),
    [messages, newFrom, offline, dates],
  )
  const visible = useVisibleBlocks(scroller)
  const { atBottom, toBottom } = useReadingPlace({
    scroller,
    inner,
    startAtNew: newFrom !== null,
    onMoved: () => {
      const top = scroller.current?.scrollTop ?? 0
      if (thread.more && top < loadAheadPx) void messenger.loadOlder(conversationId)
      setAway(!atBottom())
      seen(atBottom())
    },
  })
  // What one writes is always shown.
  const newest = messages.at(-1)
  const ownNewest = newest?.own === true ? newest.messageId : null
  const none = newest === undefined
  const shown = useRef(false)
  useEffect(() => {
    // Only an own message that is new moves, not the one that was there already.
    if (shown.current && ownNewest !== null) toBottom()
    shown.current = !none
  }, [ownNewest, none, toBottom])

  const rovingKey = messages.some((one) => messageKey(one) === activeKey)
    ? activeKey
    : newest
      ? messageKey(newest)
      : null
  const wantFocus = useRef(false)
  const goTo = useCallback((key: string) => {
    wantFocus.current = true
    setActiveKey(key)
  }, [])
  const { actions, asked, answered, said } = useRowActions({
    conversation,
    onFocus: setActiveKey,
    goTo,
    onError,
  })
  useEffect(() => {
    if (!wantFocus.current || activeKey === null) return
    wantFocus.current = false
    const element = scroller.current?.querySelector<HTMLElement>(`[data-row="${activeKey}"]`)
    element?.focus({ preventScroll: true })
    element?.scrollIntoView({ block: 'nearest' })
  }, [activeKey])

  // The row that had the focus is gone: its neighbour has the one stop now, and the focus does not leave the window.
  useEffect(() => {
    if (activeKey === null || activeKey === rovingKey || document.activeElement !== document.body) return
    scroller.current?.querySelector<HTMLElement>('[data-region-focus]')?.focus()
  }, [activeKey, rovingKey])

  const open = writable(conversation)
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    const row = event.target as HTMLElement
    const message = messages.find((one) => messageKey(one) === row.dataset['row'])
    if (message !== undefined && actOnKey(event.key, message, allowed(message, open, now), actions)) {
      event.preventDefault()
      return
    }
    const at = messages.findIndex((one) => messageKey(one) === rovingKey)
    const to = target(event.key, at, messages.length)
    if (to === null || row.closest('article') === null) return
    event.preventDefault()
    wantFocus.current = true
    const next = messages[to]
    setActiveKey(next === undefined ? null : messageKey(next))
    if (to === messages.length - 1) toBottom()
  }
  if (state === null) return null
  const setSize = more ? -1 : messages.length
  return (
    <div className="log-frame">
      <div
        ref={scroller}
        className="log"
        // A feed without articles is none.
        role={messages.length > 0 ? 'feed' : undefined}
        aria-label={messages.length > 0 ? text('thread.messages') : undefined}
        aria-busy={thread.underWay !== null}
        data-testid="thread"
        onKeyDown={onKeyDown}
        onMouseOver={(event) => {
          const row = (event.target as HTMLElement).closest<HTMLElement>('article')
          setHoveredKey(row?.dataset['row'] ?? null)
        }}
        onMouseLeave={() => setHoveredKey(null)}
      >
        <div className="inner" ref={inner}>
          {!thread.current && messages.length === 0 && (
            <p className="hint feed-hint">{text('thread.loading')}</p>
          )}
          {thread.current && messages.length === 0 && conversation.held === 0 && (
            <p className="hint feed-hint">{text('thread.none', { name: person.displayName })}</p>
          )}
          {blocks.map((block, index) => (
            <MessageBlock
              key={block.key}
              block={block}
              // The newest blocks and the one that holds the focus are always there.
              mounted={
                index >= blocks.length - 2 ||
                visible.isVisible(block.key) ||
                block.rows.some((row) => row.key === rovingKey || row.kind === 'new')
              }
              height={visible.heightOf(block.key)}
              register={visible.register}
              rovingKey={rovingKey}
              hoveredKey={hoveredKey}
              open={open}
              setSize={setSize}
              person={person}
              account={state.account}
              actions={actions}
              now={now}
            />
          ))}
        </div>
      </div>
      {away && (
        <button
          type="button"
          className="ib latest"
          aria-label={text('thread.latest')}
          title={text('thread.latest')}
          onClick={toBottom}
        >
          <Icon name="down" />
        </button>
      )}
      <p className={said === '' ? 'vh' : 'said'} role="status">
        {said}
      </p>
      <AskedDialog
        asked={asked}
        may={asked === null ? null : allowed(asked.message, open, now)}
        person={person}
        ownId={state.account.person.accountId}
        now={now}
        onLink={actions.onLink}
        onClose={answered}
      />
    </div>
  )
}
