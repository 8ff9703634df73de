import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { errorText } from '../../../src/text/index.ts'
import { Icon } from '../../components/icon.tsx'
import { useModel, useServices, useText, useView } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { setDraft } from '../../store/view.ts'
import { newMessageId, room } from './composing.ts'
import { useKeptDraft } from './useKeptDraft.ts'

/** Under so many characters of room the limit is told. */
const tellRoomUnder = 500

/** The field is a plain text area: what is pasted is plain text, and undo, spelling and input methods are the system's. */
export function Composer({ conversation }: { readonly conversation: ConversationView }) {
  const text = useText()
  const { client, view } = useServices()
  const { conversationId, person } = conversation
  const value = useView((one) => one.drafts[conversationId] ?? conversation.draft)
  const focusAsked = useView((one) => one.composerFocus)
  const offline = useModel((model) => readyOf(model)?.connection.state === 'offline')
  const [error, setError] = useState<ErrorReport | null>(null)
  /** Sending was asked for with nothing to send. */
  const [nudged, setNudged] = useState(false)
  /** The id of a text that was refused: the same text keeps it, so that it can never become two messages. */
  const refused = useRef<{ readonly id: string; readonly text: string } | null>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const ids = { hint: useId(), limit: useId(), error: useId() }
  useKeptDraft(conversationId, value, conversation.draft)
  useEffect(() => field.current?.focus(), [focusAsked])

  const left = room(value)
  const empty = value.trim() === ''
  const send = async (): Promise<void> => {
    setNudged(empty)
    if (empty || left < 0) return
    const messageId = refused.current?.text === value ? refused.current.id : newMessageId()
    refused.current = null
    setError(null)
    setDraft(view, conversationId, '')
    const answer = await client.call('message.send', { conversationId, messageId, text: value })
    if (answer.ok) return
    // The text comes back, before whatever has been typed since.
    refused.current = { id: messageId, text: value }
    setError(answer.error)
    const since = view.getState().drafts[conversationId] ?? ''
    setDraft(view, conversationId, since === '' ? value : `${value}\n${since}`)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void send()
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    void send()
  }
  const label = text('composer.field', { name: person.displayName })
  const tooLong = left < 0
  const told = tooLong
    ? text('composer.tooLong', { count: -left })
    : left < tellRoomUnder
      ? text('composer.left', { count: left })
      : nudged && empty
        ? text('composer.emptyReason')
        : null
  return (
    <form
      className={`composer${error !== null || tooLong ? ' err' : ''}`}
      aria-label={text('composer.form')}
      data-region="composer"
      onSubmit={submit}
    >
      <textarea
        ref={field}
        className="ta"
        rows={1}
        aria-label={label}
        aria-describedby={`${ids.hint} ${ids.limit} ${ids.error}`}
        aria-invalid={tooLong ? true : undefined}
        placeholder={label}
        value={value}
        data-testid="composer"
        onChange={(event) => {
          setError(null)
          setDraft(view, conversationId, event.target.value)
        }}
        onKeyDown={onKeyDown}
      />
      <div id={ids.error} role="alert" className="errslot">
        {error !== null && (
          <span className="errline">
            <Icon name="warning" small />
            <span>{text('composer.kept', { reason: errorText(text, error.code) })}</span>
          </span>
        )}
      </div>
      <div className="bar">
        <span className={tooLong ? 'limit errline' : 'limit hint'} id={ids.limit} role="status">
          {told}
        </span>
        <span className="vh" id={ids.hint}>
          {text('composer.hint')}
        </span>
        <span className="enter opt" aria-hidden="true">
          <kbd>{text('composer.enterKey')}</kbd> {text('composer.enterHint')}
        </span>
        <button
          type="submit"
          className="btn primary send"
          aria-disabled={tooLong}
          aria-describedby={ids.limit}
        >
          <Icon name="send" small />
          {text(offline ? 'composer.queue' : 'composer.send')}
        </button>
      </div>
    </form>
  )
}
