import { CodedError } from '../base/errors.ts'
import { requireThat } from './checks.ts'
import { emojiBytes } from './limits.ts'
import { graphemes } from './text.ts'

/** The worded reactions, numbered by their place, from 1: only ever appended to. */
export const serviceReactions = ['seen', 'agree', 'thanks', 'noted'] as const
export type ServiceReaction = (typeof serviceReactions)[number]

/** The key of its words in the catalogue. */
export function serviceReactionKey(reaction: ServiceReaction): `reaction.${ServiceReaction}` {
  return `reaction.${reaction}`
}

export type Reaction =
  | { readonly kind: 'service'; readonly reaction: ServiceReaction }
  | { readonly kind: 'emoji'; readonly emoji: string }
  /** A number of a newer version's list: kept, shown as a reaction that this version does not know. */
  | { readonly kind: 'unknown'; readonly service: number }

/** What a person chose. Throws `reaction.invalid` for what is not one emoji. */
export function outgoingReaction(choice: Exclude<Reaction, { kind: 'unknown' }>): Reaction {
  if (choice.kind === 'emoji' && !isEmoji(choice.emoji)) throw new CodedError('reaction.invalid')
  return choice
}

/** Null takes a reaction back. */
export function wireReaction(reaction: Reaction | null): { emoji: string; service: number } {
  switch (reaction?.kind) {
    case undefined:
      return { emoji: '', service: 0 }
    case 'emoji':
      return { emoji: reaction.emoji, service: 0 }
    case 'service':
      return { emoji: '', service: serviceReactions.indexOf(reaction.reaction) + 1 }
    case 'unknown':
      return { emoji: '', service: reaction.service }
  }
}

export function checkedReaction({ emoji, service }: { emoji: string; service: number }): Reaction | null {
  requireThat(emoji === '' || (service === 0 && isEmoji(emoji)))
  if (emoji !== '') return { kind: 'emoji', emoji }
  if (service === 0) return null
  const reaction = serviceReactions[service - 1]
  return reaction === undefined ? { kind: 'unknown', service } : { kind: 'service', reaction }
}

/** No list of emoji: a newer Unicode's are accepted too. What is refused is a letter, or marks that cannot be seen. */
const pictorial = /[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3]/u

function isEmoji(text: string): boolean {
  if (text === '' || Buffer.byteLength(text, 'utf8') > emojiBytes || !pictorial.test(text)) return false
  return [...graphemes.segment(text)].length === 1
}
