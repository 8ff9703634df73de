import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { Icon } from '../../components/icon.tsx'
import { focusList } from '../../components/roving.ts'
import { useServices, useText } from '../../context.tsx'
import { ConversationMenu } from './conversationMenu.tsx'

interface ThreadHeadProps {
  readonly conversation: ConversationView
  readonly onVerify: () => void
  readonly onBlock: () => void
  readonly onError: (error: ErrorReport | null) => void
}

export function ThreadHead(props: ThreadHeadProps) {
  const text = useText()
  const { view } = useServices()
  const { person } = props.conversation
  const meta = [person.title, person.service, person.organisation].filter(Boolean)
  return (
    <header className="chead">
      <button
        type="button"
        className="ib only-narrow"
        aria-label={text('thread.back')}
        title={text('thread.back')}
        onClick={() => {
          view.setState({ openId: null })
          focusList()
        }}
      >
        <Icon name="back" />
      </button>
      <Avatar name={person.displayName} accountId={person.accountId} />
      <div className="grow">
        <h2>
          <span className="trunc" title={person.displayName}>
            {person.displayName}
          </span>
        </h2>
        <div className="meta">
          <span className="trunc">{meta.join(' · ')}</span>
        </div>
      </div>
      <SealButton {...props} />
      <ConversationMenu {...props} />
    </header>
  )
}

/** The seal in words, where there is something to say; it leads to the safety number. */
function SealButton({ conversation, onVerify }: ThreadHeadProps) {
  const text = useText()
  const { identity } = conversation
  if (identity !== 'verified' && identity !== 'changed') return null
  const broken = identity === 'changed'
  return (
    <button type="button" className={broken ? 'sealbtn broken' : 'sealbtn'} onClick={onVerify}>
      <Icon name={broken ? 'sealBroken' : 'seal'} small />
      <span>{text(broken ? 'seal.changedShort' : 'seal.verifiedShort')}</span>
    </button>
  )
}
