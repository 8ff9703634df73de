import type { MessageView, ReactionChoice } from '../../../../src/contract/index.ts'

/** One chip under a message. */
export interface ReactionCount {
  readonly choice: ReactionChoice
  readonly key: string
  readonly people: readonly string[]
  readonly mine: boolean
}

/** In this order they are offered and shown; emoji follow. */
export const serviceOrder = ['seen', 'agree', 'thanks', 'noted'] as const

export const offeredEmoji = ['🙏', '👏', '🙂', '🎉', '😮', '😢', '❤️'] as const

export function keyOf(choice: ReactionChoice): string {
  return choice.kind === 'service' ? choice.reaction : choice.emoji
}

/** The worded service reactions first, then emoji as they came. */
export function counted(reactions: MessageView['reactions'], ownId: string): readonly ReactionCount[] {
  const byKey = new Map<string, ReactionCount>()
  for (const { personId, reaction } of reactions) {
    const key = keyOf(reaction)
    const before = byKey.get(key) ?? { choice: reaction, key, people: [], mine: false }
    const people = [...before.people, personId]
    byKey.set(key, { ...before, people, mine: before.mine || personId === ownId })
  }
  const rank = ({ choice }: ReactionCount): number =>
    choice.kind === 'service' ? serviceOrder.indexOf(choice.reaction) : serviceOrder.length
  return [...byKey.values()].toSorted((a, b) => rank(a) - rank(b))
}

/** What choosing it means for a message: chosen again it is taken back. */
export function toggled(message: MessageView, ownId: string, choice: ReactionChoice): ReactionChoice | null {
  const mine = message.reactions.find((one) => one.personId === ownId)
  return mine !== undefined && keyOf(mine.reaction) === keyOf(choice) ? null : choice
}
