import { useCallback, useEffect, useMemo, useState } from 'react'
import type { ErrorReport, Result } from '../../../../src/base/errors.ts'
import type { ConversationView, MessageRef, MessageView } from '../../../../src/contract/index.ts'
import { copyText } from '../../../components/clipboard.ts'
import { useModel, useServices, useText } from '../../../context.tsx'
import { readyOf } from '../../../store/state.ts'
import type { Messenger } from '../../../store/store.ts'
import { messageKey } from '../../../store/thread.ts'
import { compose } from '../../../store/view.ts'
import type { Allowed } from './allowed.ts'
import type { RowActions } from './messageRow.tsx'
import { toggled } from './reactions.ts'

/** What a row asks for that needs a dialog. */
export interface Asked {
  readonly kind: 'delete' | 'versions'
  readonly message: MessageView
}

interface RowActionsOptions {
  readonly conversation: ConversationView
  readonly onFocus: (key: string) => void
  readonly goTo: (key: string) => void
  readonly onError: (error: ErrorReport | null) => void
}

interface RowActing {
  /** The same object while nothing of what it rests on changes. */
  readonly actions: RowActions
  readonly asked: Asked | null
  readonly answered: () => void
  /** What an act that shows nothing else has done, for a moment. */
  readonly said: string
}

const saidMs = 5000
/** How far back a quoted message is looked for. */
const jumpPages = 30

export function useRowActions({ conversation, onFocus, goTo, onError }: RowActionsOptions): RowActing {
  const { client, messenger, view } = useServices()
  const ownId = useModel((model) => readyOf(model)?.account.person.accountId ?? '')
  const text = useText()
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return undefined
    const timer = setTimeout(() => setSaid(''), saidMs)
    return () => clearTimeout(timer)
  }, [said])
  const [asked, setAsked] = useState<Asked | null>(null)
  const { conversationId } = conversation
  const run = useCallback(
    async (call: Promise<Result<unknown>>) => {
      const answer = await call
      onError(answer.ok ? null : answer.error)
    },
    [onError],
  )
  const actions = useMemo(
    (): RowActions => ({
      onFocus,
      onRetry: (messageId) => void run(client.call('message.retry', { messageId })),
      onDiscard: (messageId) => void run(client.call('message.discard', { messageId })),
      onLink: (address) => void run(client.call('link.open', { address })),
      onReply: (to) => compose(view, conversationId, { kind: 'reply', to }),
      onEdit: (of) => compose(view, conversationId, { kind: 'edit', of, text: of.text }),
      onCopy: (message) => {
        copyText(message.text)
        setSaid(text('thread.copied'))
      },
      onDelete: (message) => setAsked({ kind: 'delete', message }),
      onVersions: (message) => setAsked({ kind: 'versions', message }),
      onReact: (message, choice) => {
        const { authorId, messageId } = message
        const reaction = toggled(message, ownId, choice)
        void run(client.call('message.react', { authorId, messageId, reaction }))
      },
      onAcknowledge: ({ authorId, messageId }) =>
        void run(client.call('message.acknowledge', { authorId, messageId })),
      onJump: (ref) => {
        void findHeld(messenger, conversationId, ref).then((found) => {
          if (found) goTo(messageKey(ref))
          else setSaid(text('thread.quoteGone'))
        })
      },
    }),
    [client, messenger, view, text, conversationId, ownId, onFocus, goTo, run],
  )
  return { actions, asked, answered: () => setAsked(null), said }
}

/** Loads older pages until the message is held; false when it is not there, or too far. */
async function findHeld(messenger: Messenger, conversationId: string, ref: MessageRef): Promise<boolean> {
  for (let page = 0; page < jumpPages; page += 1) {
    const thread = messenger.store.getState().threads[conversationId]
    const is = (one: MessageView): boolean => one.messageId === ref.messageId && one.authorId === ref.authorId
    if (thread?.messages.some(is)) return true
    if (thread?.more !== true || thread.underWay !== null) return false
    await messenger.loadOlder(conversationId)
  }
  return false
}

/** The letters that act on the row that has the focus (WCAG 2.1.4: only there). True when the key meant something. */
export function actOnKey(key: string, message: MessageView, may: Allowed, actions: RowActions): boolean {
  switch (key.toLowerCase()) {
    case 'r':
      if (may.answer) actions.onReply(message)
      return may.answer
    case 'e':
      if (may.edit) actions.onEdit(message)
      return may.edit
    case 'c':
      if (may.copy) actions.onCopy(message)
      return may.copy
    case 'v':
      if (may.answer) actions.onReact(message, { kind: 'service', reaction: 'seen' })
      return may.answer
    case 'd':
      if (may.answer) actions.onReact(message, { kind: 'service', reaction: 'agree' })
      return may.answer
    case 'delete':
      if (may.remove) actions.onDelete(message)
      return may.remove
    default:
      return false
  }
}
