import { useRef, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import { useServices } from '../../context.tsx'
import { compose, composeAnew, setDraft, type Composing } from '../../store/view.ts'
import type { Asking } from './acknowledgementAsk.tsx'
import { newMessageId } from './composing.ts'
import { carried } from './thread/marked.ts'

interface Sending {
  readonly error: ErrorReport | null
  readonly forget: () => void
  readonly send: (text: string, composing: Composing | null, asking: Asking) => Promise<void>
}

/** Sends what stands in the composer, or puts it in the place of what is edited. A refused text comes back. */
export function useSending(conversationId: string): Sending {
  const { client, view, now } = useServices()
  const [error, setError] = useState<ErrorReport | null>(null)
  /** The id of a text that was refused: the same text keeps it, so that it can never become two messages. */
  const refused = useRef<{ readonly id: string; readonly text: string } | null>(null)

  const edit = async (text: string, { of }: Extract<Composing, { kind: 'edit' }>): Promise<void> => {
    const { messageId } = of
    composeAnew(view, conversationId)
    if (text === of.text) return
    const formats = [...carried(of.formats, of.text, text)]
    const mentions = [...carried(of.mentions, of.text, text)]
    const answer = await client.call('message.edit', { messageId, text, formats, mentions })
    if (answer.ok) return
    setError(answer.error)
    if (view.getState().composing[conversationId] === undefined) {
      compose(view, conversationId, { kind: 'edit', of, text })
    }
  }
  const write = async (text: string, reply: Composing | null, asking: Asking): Promise<void> => {
    const messageId = refused.current?.text === text ? refused.current.id : newMessageId()
    refused.current = null
    setDraft(view, conversationId, '')
    composeAnew(view, conversationId)
    const quote =
      reply?.kind === 'reply' ? { authorId: reply.to.authorId, messageId: reply.to.messageId } : null
    const acknowledgement = asking === null ? null : { deadline: asking === 0 ? null : now() + asking }
    const input = { conversationId, messageId, text }
    // What is not asked for is not said.
    const answer = await client.call('message.send', {
      ...input,
      ...(quote && { quote }),
      ...(acknowledgement && { acknowledgement }),
    })
    if (answer.ok) return
    // The text comes back, before whatever has been typed since.
    refused.current = { id: messageId, text }
    setError(answer.error)
    const { drafts, composing } = view.getState()
    const since = drafts[conversationId] ?? ''
    setDraft(view, conversationId, since === '' ? text : `${text}\n${since}`)
    if (reply !== null && composing[conversationId] === undefined) compose(view, conversationId, reply)
  }
  return {
    error,
    forget: () => setError(null),
    send: (text, composing, asking) => {
      setError(null)
      return composing?.kind === 'edit' ? edit(text, composing) : write(text, composing, asking)
    },
  }
}
