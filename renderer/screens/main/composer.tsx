import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import type { ConversationView } from '../../../src/contract/index.ts'
import { errorText, type Text } from '../../../src/text/index.ts'
import { Icon } from '../../components/icon.tsx'
import { spanWords } from '../../components/spans.ts'
import { useModel, useServices, useText, useView } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { compose, composeAnew, setDraft } from '../../store/view.ts'
import { AcknowledgementAsk, type Asking } from './acknowledgementAsk.tsx'
import { room } from './composing.ts'
import { ComposingBar } from './composingBar.tsx'
import { lastEditable, writable } from './thread/allowed.ts'
import { useKeptDraft } from './useKeptDraft.ts'
import { useSending } from './useSending.ts'
import { useTypingNotice } from './useTypingNotice.ts'

/** Under so many characters of room the limit is told. */
const tellRoomUnder = 500

/** The field is a plain text area: what is pasted is plain text, and undo, spelling and input methods are the system's. */
export function Composer({ conversation }: { readonly conversation: ConversationView }) {
  const text = useText()
  const { messenger, view, now } = useServices()
  const { conversationId, person } = conversation
  const draft = useView((one) => one.drafts[conversationId] ?? conversation.draft)
  const composing = useView((one) => one.composing[conversationId] ?? null)
  const focusAsked = useView((one) => one.composerFocus)
  const offline = useModel((model) => readyOf(model)?.connection.state === 'offline')
  /** Sending was asked for with nothing to send. */
  const [nudged, setNudged] = useState(false)
  const [asking, setAsking] = useState<Asking>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const ids = { hint: useId(), limit: useId(), error: useId(), suspended: useId() }
  const { error, forget, send } = useSending(conversationId)
  const { typed } = useTypingNotice(conversationId)
  const editing = composing?.kind === 'edit'
  const value = editing ? composing.text : draft
  useKeptDraft(conversationId, draft, conversation.draft)
  useEffect(() => field.current?.focus(), [focusAsked])

  const open = writable(conversation)
  const tooLong = room(value) < 0
  const empty = value.trim() === ''
  const change = (next: string): void => {
    forget()
    typed(next === '')
    if (editing)
      view.setState((was) => ({
        composing: { ...was.composing, [conversationId]: { ...composing, text: next } },
      }))
    else setDraft(view, conversationId, next)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setNudged(empty)
    if (!open || empty || tooLong) return
    typed(true)
    setAsking(null)
    void send(value, composing, asking)
    field.current?.focus()
  }
  /** ↑ in an empty field takes up one's last message. */
  const editLast = (): boolean => {
    const held = messenger.store.getState().threads[conversationId]?.messages ?? []
    const last = value === '' && composing === null ? lastEditable(held, open, now()) : null
    if (last !== null) compose(view, conversationId, { kind: 'edit', of: last, text: last.text })
    return last !== null
  }
  const leave = (): void => {
    forget()
    composeAnew(view, conversationId)
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.shiftKey || event.altKey || event.nativeEvent.isComposing) return
    if (event.key === 'Enter') submit(event)
    else if (event.key === 'Escape' && composing !== null) {
      event.preventDefault()
      leave()
    } else if (event.key === 'ArrowUp' && editLast()) event.preventDefault()
  }
  const label = text('composer.field', { name: person.displayName })
  return (
    <form
      className={`composer${error !== null || tooLong ? ' err' : ''}`}
      aria-label={text('composer.form')}
      data-region="composer"
      onSubmit={submit}
    >
      {composing !== null && <ComposingBar composing={composing} name={person.displayName} onLeave={leave} />}
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
        data-region-focus=""
        onChange={(event) => change(event.target.value)}
        onBlur={() => typed(true)}
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
      {!open && (
        <p className="suspended" id={ids.suspended}>
          <Icon name="lock" small />
          {text('composer.suspended')}
        </p>
      )}
      <div className="bar">
        {!editing && <AcknowledgementAsk asking={asking} onChange={setAsking} />}
        {conversation.timerSeconds > 0 && <TimerMark seconds={conversation.timerSeconds} />}
        <span className={tooLong ? 'limit errline' : 'limit hint'} id={ids.limit} role="status">
          {toldOf(text, value, nudged)}
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
          aria-disabled={tooLong || !open}
          aria-describedby={open ? ids.limit : ids.suspended}
        >
          <Icon name={editing ? 'check' : 'send'} small />
          {text(editing ? 'composer.save' : offline ? 'composer.queue' : 'composer.send')}
        </button>
      </div>
    </form>
  )
}

function TimerMark({ seconds }: { readonly seconds: number }) {
  const text = useText()
  const span = spanWords(text, seconds * 1000)
  const words = text('composer.timer', { span })
  return (
    <span className="tim" title={words}>
      <Icon name="timer" small label={words} />
      <span aria-hidden="true">{span}</span>
    </span>
  )
}

/** What is said beside the button: why it does not send, or how much room is left. */
function toldOf(text: Text, value: string, nudged: boolean): string | null {
  const left = room(value)
  if (left < 0) return text('composer.tooLong', { count: -left })
  if (left < tellRoomUnder) return text('composer.left', { count: left })
  return nudged && value.trim() === '' ? text('composer.emptyReason') : null
}
