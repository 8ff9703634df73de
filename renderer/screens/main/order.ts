import type { ConversationView } from '../../../src/contract/index.ts'

/** The list as it is shown: pinned ones first, then the most recently active. */
export function ordered(conversations: readonly ConversationView[]): readonly ConversationView[] {
  return conversations.toSorted(
    (a, b) =>
      Number(b.pinned) - Number(a.pinned) ||
      b.activeAt - a.activeAt ||
      (a.conversationId < b.conversationId ? -1 : 1),
  )
}

export type ListFilter = 'all' | 'unread' | 'archived'

/** What a filter lets through; the open conversation never leaves the list while one reads it. */
export function shownIn(filter: ListFilter, one: ConversationView, openId: string | null): boolean {
  if (filter === 'archived') return one.archived
  if (one.archived) return one.conversationId === openId
  return filter === 'all' || one.unread > 0 || one.conversationId === openId
}

/** The conversation that many places away from the open one; the first or last when none is open. */
export function neighbour(
  conversations: readonly ConversationView[],
  openId: string | null,
  step: 1 | -1,
  unreadOnly: boolean,
): ConversationView | null {
  const all = ordered(conversations.filter((one) => shownIn('all', one, openId)))
  const from = all.findIndex((one) => one.conversationId === openId)
  const candidates =
    step === 1 ? all.slice(from + 1) : all.slice(0, from < 0 ? all.length : from).toReversed()
  return candidates.find((one) => !unreadOnly || one.unread > 0) ?? null
}
