import { useEffect, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { useModel, useServices, useText } from '../../context.tsx'
import { focusList } from '../../components/roving.ts'
import { emptyThread } from '../../store/state.ts'
import { Announcer } from './thread/announcer.tsx'
import { Feed } from './thread/feed.tsx'

/** Header, what waits for a decision, messages. Mounted anew for each conversation. */
export function ThreadView({ conversation }: { readonly conversation: ConversationView }) {
  const { messenger } = useServices()
  const { conversationId, held } = conversation
  const thread = useModel((model) => model.threads[conversationId] ?? emptyThread)
  const [error, setError] = useState<ErrorReport | null>(null)
  const { messages, current: upToDate, underWay } = thread
  const idle = underWay === null
  useEffect(() => {
    if (!upToDate && idle) void messenger.loadNewest(conversationId)
  }, [messenger, conversationId, upToDate, idle])
  return (
    <div className="thread-body" data-region="thread">
      <ThreadHead conversation={conversation} />
      {held > 0 && <HeldNote conversation={conversation} />}
      <Feed conversation={conversation} thread={thread} onError={setError} />
      <Announcer conversation={conversation} messages={messages} current={upToDate} />
      <div className="thread-error">
        <ErrorLine error={error} />
      </div>
    </div>
  )
}

function ThreadHead({ conversation }: { readonly conversation: ConversationView }) {
  const text = useText()
  const { view } = useServices()
  const { person } = conversation
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
    </header>
  )
}

function HeldNote({ conversation }: { readonly conversation: ConversationView }) {
  const text = useText()
  return (
    <div className="note warn held" role="alert">
      <Icon name="sealBroken" />
      <p>
        <b>{text('thread.heldTitle', { count: conversation.held })}</b>{' '}
        {text('thread.heldWhy', { name: conversation.person.displayName })}
      </p>
    </div>
  )
}
