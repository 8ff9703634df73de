import type { MessageRef, MessageView } from '../../src/contract/index.ts'
import type { Thread } from './state.ts'

/** Pure operations on one thread; positions rise and never change, so they are the order. */

/** What one message is in the page: an author may choose the id of somebody else's message. */
export function messageKey({ authorId, messageId }: MessageRef): string {
  return `${authorId}/${messageId}`
}

/** The message put in its place; an older version of it goes. */
export function placed(messages: readonly MessageView[], message: MessageView): readonly MessageView[] {
  const key = messageKey(message)
  const at = messages.findIndex((one) => messageKey(one) === key)
  if (at >= 0 && messages[at]?.position === message.position) return messages.with(at, message)
  const others = at >= 0 ? messages.toSpliced(at, 1) : messages
  // New messages are nearly always the newest: search from the end.
  const before = others.findLastIndex((one) => one.position < message.position)
  return others.toSpliced(before + 1, 0, message)
}

function without(messages: readonly MessageView[], messageId: string): readonly MessageView[] {
  return messages.some((one) => one.messageId === messageId)
    ? messages.filter((one) => one.messageId !== messageId)
    : messages
}

/** What a delta said about one message; null: it was removed. */
export function told(thread: Thread, messageId: string, message: MessageView | null): Thread {
  const underWay = thread.underWay && {
    ...thread.underWay,
    told: [...thread.underWay.told, { messageId, message }],
  }
  if (!thread.current) return { ...thread, underWay }
  return { ...thread, underWay, messages: applied(thread.messages, thread.more, messageId, message) }
}

function applied(
  messages: readonly MessageView[],
  more: boolean,
  messageId: string,
  message: MessageView | null,
): readonly MessageView[] {
  if (message === null) return without(messages, messageId)
  const oldest = messages[0]
  // Older than what is held: it comes with its page, else there would be a hole between.
  if (more && oldest !== undefined && message.position < oldest.position) return messages
  return placed(messages, message)
}

/** A page laid into the thread, and over it what deltas said since it was asked. */
export function paged(
  thread: Thread,
  before: number | null,
  page: readonly MessageView[],
  more: boolean,
): Thread {
  const fresh = before === null
  const kept = fresh ? [] : thread.messages.filter((one) => one.position >= before)
  let messages: readonly MessageView[] = [...page, ...kept]
  for (const { messageId, message } of thread.underWay?.told ?? []) {
    messages = applied(messages, more, messageId, message)
  }
  return { messages, more, current: fresh || thread.current, underWay: null }
}
