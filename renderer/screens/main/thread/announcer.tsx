import { useEffect, useRef, useState } from 'react'
import type { ConversationView, MessageView } from '../../../../src/contract/index.ts'
import { useText } from '../../../context.tsx'
import { insteadOfText } from './words.ts'

interface AnnouncerProps {
  readonly conversation: ConversationView
  readonly messages: readonly MessageView[]
  readonly current: boolean
}

interface Line {
  readonly key: string
  readonly words: string
}

const kept = 10

/**
 * New text of the open conversation for screen readers, beside the feed, which is never live itself. Failures of
 * one's own messages are told at once.
 */
export function Announcer({ conversation, messages, current }: AnnouncerProps) {
  const text = useText()
  const newest = useRef<number | null>(null)
  const failedBefore = useRef<ReadonlySet<string>>(new Set())
  const [lines, setLines] = useState<readonly Line[]>([])
  const [failure, setFailure] = useState('')
  useEffect(() => {
    if (!current) return
    const failed = new Set(messages.filter((one) => one.delivery === 'failed').map((one) => one.messageId))
    if (newest.current !== null) {
      const since = newest.current
      const arrived = messages.filter((one) => !one.own && one.position > since)
      if (arrived.length > 0) {
        const told = arrived.map((one) => ({
          key: one.messageId,
          words: text('thread.announce', {
            author: conversation.person.displayName,
            text: insteadOfText(text, one, conversation.person.displayName) ?? one.text,
          }),
        }))
        setLines((before) => [...before, ...told].slice(-kept))
      }
      const fresh = [...failed].some((id) => !failedBefore.current.has(id))
      if (fresh) setFailure(text('thread.failedPlain'))
      else if (failed.size === 0) setFailure('')
    }
    newest.current = messages.at(-1)?.position ?? 0
    failedBefore.current = failed
  }, [messages, current, conversation.person.displayName, text])
  return (
    <>
      <div className="vh" role="log" aria-live="polite" aria-label={text('thread.announcements')}>
        {lines.map((line) => (
          <p key={line.key}>{line.words}</p>
        ))}
      </div>
      <div className="vh" role="alert">
        {failure}
      </div>
    </>
  )
}
