import type { ReactionChoice } from '../../../../src/contract/index.ts'
import { Icon, type IconName } from '../../../components/icon.tsx'
import { useText } from '../../../context.tsx'
import type { RowContext } from './messageRow.tsx'
import { counted, type ReactionCount } from './reactions.ts'

export const serviceIcons = {
  seen: 'eye',
  agree: 'agree',
  thanks: 'thanks',
  noted: 'noted',
} as const satisfies Record<string, IconName>

/** Words for the service's own reactions; an emoji is its own word. */
export function useReactionWords(): (choice: ReactionChoice) => string {
  const text = useText()
  return (choice) => (choice.kind === 'service' ? text(`react.${choice.reaction}`) : choice.emoji)
}

export function ReactionLine(context: RowContext) {
  const text = useText()
  const { message, ownId } = context
  const all = counted(message.reactions, ownId)
  if (all.length === 0) return null
  return (
    <div className="reacts" role="group" aria-label={text('react.group')}>
      {all.map((one) => (
        <Chip key={one.key} one={one} {...context} />
      ))}
    </div>
  )
}

function Chip({ one, message, may, roving, nameOf, onReact }: RowContext & { readonly one: ReactionCount }) {
  const text = useText()
  const words = useReactionWords()(one.choice)
  const who = one.people.map(nameOf).join(', ')
  return (
    <button
      type="button"
      className="react"
      aria-pressed={one.mine}
      aria-disabled={may.answer ? undefined : true}
      aria-label={text('react.label', { reaction: words, count: one.people.length, who })}
      title={who}
      tabIndex={roving ? 0 : -1}
      onClick={() => may.answer && onReact(message, one.choice)}
    >
      {one.choice.kind === 'service' && <Icon name={serviceIcons[one.choice.reaction]} small />}
      {words} <span className="num">{one.people.length}</span>
    </button>
  )
}
