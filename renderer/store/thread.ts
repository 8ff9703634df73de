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

function without(messages: readonly MessageView[], ref: MessageRef): readonly MessageView[] {
  const key = messageKey(ref)
  return messages.some((one) => messageKey(one) === key)
    ? messages.filter((one) => messageKey(one) !== key)
    : messages
}

/** What a delta said about one message; null: it was removed. */
export function told(thread: Thread, ref: MessageRef, message: MessageView | null): Thread {
  const underWay = thread.underWay && {
    ...thread.underWay,
    told: [...thread.underWay.told, { ref, message }],
  }
  if (!thread.current) return { ...thread, underWay }
  return { ...thread, underWay, messages: applied(thread.messages, thread.more, ref, message) }
}

function applied(
  messages: readonly MessageView[],
  more: boolean,
  ref: MessageRef,
  message: MessageView | null,
): readonly MessageView[] {
  if (message === null) return without(messages, ref)
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
  for (const { ref, message } of thread.underWay?.told ?? []) {
    messages = applied(messages, more, ref, message)
  }
  return { messages, more, current: fresh || thread.current, underWay: null }
}
