import type { ConversationView, MessageView } from '../../../../src/contract/index.ts'
import { dayMs } from '../../../components/spans.ts'

/** What a person may do with a message; the engine decides in the end. */
export interface Allowed {
  readonly copy: boolean
  /** Answer to it and react to it. */
  readonly answer: boolean
  readonly edit: boolean
  readonly remove: boolean
  readonly removeForEveryone: boolean
  /** It has not left: it can still be taken back without a trace. */
  readonly unsent: boolean
}

/** The contract's window for edits. */
const editWindowMs = dayMs

/** Whether anything may be sent into this conversation (rule 5: not to a changed identity). */
export function writable({ standing, identity }: ConversationView): boolean {
  return standing === 'accepted' && identity !== 'changed'
}

export function allowed(message: MessageView, open: boolean, now: number): Allowed {
  const { own, kind, deleted, delivery, sentAt } = message
  const readable = kind === 'text' && !deleted
  const unsent = own && (delivery === 'failed' || delivery === 'queued')
  const away = readable && !unsent && delivery !== 'sending'
  return {
    copy: readable,
    answer: open && away,
    edit: open && own && away && now - sentAt < editWindowMs,
    remove: kind !== 'system',
    removeForEveryone: open && own && away,
    unsent,
  }
}

/** The last message of one's own that can still be edited. */
export function lastEditable(
  messages: readonly MessageView[],
  open: boolean,
  now: number,
): MessageView | null {
  return messages.findLast((message) => allowed(message, open, now).edit) ?? null
}
