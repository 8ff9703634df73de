import { useCallback, useEffect, useRef } from 'react'
import { useModel, useServices } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'

/** Without a key for so long, the person has stopped. */
const pauseMs = 5000
/** While they go on it is told again, for a device that has come since. */
const againMs = 10_000

/** Tells the engine that the person writes, or has stopped; the engine decides whether anybody hears of it. */
export function useTypingNotice(conversationId: string): { readonly typed: (empty: boolean) => void } {
  const { client, now } = useServices()
  const wanted = useModel((model) => readyOf(model)?.settings.typingNotices ?? false)
  const toldAt = useRef<number | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const stop = useCallback((): void => {
    clearTimeout(timer.current)
    if (toldAt.current === null) return
    toldAt.current = null
    void client.call('conversation.typing', { conversationId, typing: false })
  }, [client, conversationId])
  useEffect(() => stop, [stop])
  const typed = useCallback(
    (empty: boolean): void => {
      if (!wanted || empty) {
        stop()
        return
      }
      clearTimeout(timer.current)
      timer.current = setTimeout(stop, pauseMs)
      if (toldAt.current !== null && now() - toldAt.current < againMs) return
      toldAt.current = now()
      void client.call('conversation.typing', { conversationId, typing: true })
    },
    [client, conversationId, now, stop, wanted],
  )
  return { typed }
}
