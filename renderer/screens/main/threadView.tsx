import { useEffect, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { useModel, useServices } from '../../context.tsx'
import { emptyThread } from '../../store/state.ts'
import { BlockDialog } from './blockDialog.tsx'
import { IdentityBand } from './identityBand.tsx'
import { SafetyNumberDialog } from './safetyNumberDialog.tsx'
import { Announcer } from './thread/announcer.tsx'
import { Feed } from './thread/feed.tsx'
import { ThreadHead } from './threadHead.tsx'
import { TypingLine } from './typingLine.tsx'

/** Header, what waits for a decision, messages. Mounted anew for each conversation. */
export function ThreadView({ conversation }: { readonly conversation: ConversationView }) {
  const { messenger } = useServices()
  const { conversationId, identity, held, person } = conversation
  const thread = useModel((model) => model.threads[conversationId] ?? emptyThread)
  const [error, setError] = useState<ErrorReport | null>(null)
  const [dialog, setDialog] = useState<'verify' | 'block' | null>(null)
  const { messages, current: upToDate, underWay } = thread
  const idle = underWay === null
  useEffect(() => {
    if (!upToDate && idle) void messenger.loadNewest(conversationId)
  }, [messenger, conversationId, upToDate, idle])
  const close = (): void => setDialog(null)
  return (
    <div className="thread-body" data-region="thread">
      <ThreadHead
        conversation={conversation}
        onVerify={() => setDialog('verify')}
        onBlock={() => setDialog('block')}
        onError={setError}
      />
      {(identity === 'changed' || held > 0) && (
        <IdentityBand conversation={conversation} messages={messages} onCompare={() => setDialog('verify')} />
      )}
      <Feed conversation={conversation} thread={thread} onError={setError} />
      <TypingLine name={person.displayName} typing={conversation.typing} />
      <Announcer conversation={conversation} messages={messages} current={upToDate} />
      <div className="thread-error">
        <ErrorLine error={error} />
      </div>
      {dialog === 'verify' && <SafetyNumberDialog person={person} onClose={close} />}
      {dialog === 'block' && <BlockDialog conversation={conversation} onClose={close} />}
    </div>
  )
}
