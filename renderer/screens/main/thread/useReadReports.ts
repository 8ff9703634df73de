import { useCallback, useEffect, useRef, useState, type RefObject } from 'react'
import type { ConversationView } from '../../../../src/contract/index.ts'
import { useServices } from '../../../context.tsx'

interface ReadReports {
  /** Position of the first message that was new when the person came to it; null: none. */
  readonly newFrom: number | null
  /** To be called when other messages have come into view. */
  readonly seen: (atBottom: boolean) => void
}

/** A message counts as seen when it has been in the view of a window that has the person's attention. */
export function useReadReports(
  conversation: ConversationView,
  scroller: RefObject<HTMLElement | null>,
): ReadReports {
  const { client } = useServices()
  const { conversationId, firstUnread } = conversation
  const [newFrom, setNewFrom] = useState(firstUnread)
  const unread = useRef(firstUnread)
  unread.current = firstUnread
  const known = useRef(firstUnread)
  const reported = useRef(0)
  const atBottom = useRef(true)

  const report = useCallback((): void => {
    const view = scroller.current
    if (view === null || unread.current === null || !attentive()) return
    const position = lastVisiblePosition(view)
    if (position < unread.current || position <= reported.current) return
    reported.current = position
    void client.call('conversation.read', { conversationId, position })
  }, [client, conversationId, scroller])

  useEffect(() => {
    const before = known.current
    known.current = firstUnread
    if (firstUnread === null) return
    // All was read and new ones arrived where the person was not looking: they are divided from the rest. While
    // someone reads through what was new, the divider stays.
    if (before === null && (!attentive() || !atBottom.current)) setNewFrom(firstUnread)
    report()
  }, [firstUnread, report])

  useEffect(() => {
    window.addEventListener('focus', report)
    document.addEventListener('visibilitychange', report)
    return () => {
      window.removeEventListener('focus', report)
      document.removeEventListener('visibilitychange', report)
    }
  }, [report])

  return {
    newFrom,
    seen: (now) => {
      atBottom.current = now
      report()
    },
  }
}

function attentive(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}

/** Position of the lowest message whose beginning is in view; 0 when there is none. */
function lastVisiblePosition(view: HTMLElement): number {
  const { bottom } = view.getBoundingClientRect()
  const all = [...view.querySelectorAll<HTMLElement>('[data-message-id]')]
  const last = all.findLast((element) => element.getBoundingClientRect().top < bottom - 8)
  return Number(last?.dataset['position'] ?? 0)
}
