import type { ConversationView } from '../../../src/contract/index.ts'

/** The list as it is shown: the most recently active first. */
export function ordered(conversations: readonly ConversationView[]): readonly ConversationView[] {
  return conversations.toSorted(
    (a, b) => b.activeAt - a.activeAt || (a.conversationId < b.conversationId ? -1 : 1),
  )
}

/** The conversation that many places away from the open one; the first or last when none is open. */
export function neighbour(
  conversations: readonly ConversationView[],
  openId: string | null,
  step: 1 | -1,
  unreadOnly: boolean,
): ConversationView | null {
  const all = ordered(conversations)
  const from = all.findIndex((one) => one.conversationId === openId)
  const candidates =
    step === 1 ? all.slice(from + 1) : all.slice(0, from < 0 ? all.length : from).toReversed()
  return candidates.find((one) => !unreadOnly || one.unread > 0) ?? null
}
