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
  const title = reply
    ? text('composer.replyTo', { name: composing.to.own ? text('thread.you') : name })
    : text('composer.editing')
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
