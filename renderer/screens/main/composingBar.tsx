import type { Text } from '../../../src/text/index.ts'
import { Icon } from '../../components/icon.tsx'
import { useText } from '../../context.tsx'
import type { Composing } from '../../store/view.ts'

interface ComposingBarProps {
  readonly composing: Composing
  readonly name: string
  readonly onLeave: () => void
}

/** Above the field: what is answered to, or that a message is being edited. */
export function ComposingBar({ composing, name, onLeave }: ComposingBarProps) {
  const text = useText()
  const reply = composing.kind === 'reply'
  const message = reply ? composing.to : composing.of
  const title = titleOf(text, composing, name)
  const leave = text(reply ? 'composer.leaveReply' : 'composer.leaveEdit')
  return (
    <div className="rep" role="status">
      <Icon name={reply ? 'reply' : 'compose'} small />
      <span className="trunc grow">
        <b>{title}</b> <span dir="auto">{message.text.replaceAll(/\s+/gu, ' ')}</span>
      </span>
      <button type="button" className="ib sm" aria-label={leave} title={leave} onClick={onLeave}>
        <Icon name="close" small />
      </button>
    </div>
  )
}

function titleOf(text: Text, composing: Composing, name: string): string {
  if (composing.kind === 'edit') return text('composer.editing')
  return composing.to.own ? text('composer.replyToSelf') : text('composer.replyTo', { name })
}
