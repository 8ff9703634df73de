import { errorText } from '../../../../src/text/index.ts'
import { Icon, type IconName } from '../../../components/icon.tsx'
import { useWords } from '../../../context.tsx'
import { Acknowledgement } from './acknowledgement.tsx'
import type { RowContext } from './messageRow.tsx'
import { MessageText } from './messageText.tsx'
import { QuoteBlock } from './quoteBlock.tsx'
import { ReactionLine } from './reactionLine.tsx'
import { SoonGone } from './timerDial.tsx'
import { insteadOfText } from './words.ts'

/** Everything between gutter and ledger, from the quote to the reactions. */
export function MessageBody(context: RowContext) {
  const { text } = useWords()
  const { message, person, ownId, roving, now, onLink } = context
  const instead = insteadOfText(text, message, person.displayName)
  if (instead !== null) {
    const icon: IconName = message.deleted ? 'bin' : message.kind === 'undecryptable' ? 'warning' : 'info'
    return (
      <p className="gone">
        <Icon name={icon} small />
        {instead}
      </p>
    )
  }
  return (
    <>
      <QuoteBlock {...context} />
      <MessageText
        value={message.text}
        formats={message.formats}
        mentions={message.mentions}
        ownId={ownId}
        reachable={roving}
        onLink={onLink}
      />
      {message.editedAt !== null && <EditedMark {...context} editedAt={message.editedAt} />}
      <SoonGone message={message} now={now} />
      <Acknowledgement {...context} />
      <ReactionLine {...context} />
      {message.delivery === 'failed' && <Failure {...context} />}
    </>
  )
}

function EditedMark({ message, editedAt, roving, onVersions }: RowContext & { readonly editedAt: number }) {
  const { text, dates } = useWords()
  return (
    <button
      type="button"
      className="edited"
      aria-label={text('thread.editedAt', { time: dates.clock(editedAt) })}
      tabIndex={roving ? 0 : -1}
      onClick={() => onVersions(message)}
    >
      {text('thread.edited')}
    </button>
  )
}

function Failure({ message, onRetry, onDiscard }: RowContext) {
  const { text } = useWords()
  const { messageId, error } = message
  return (
    <div className="failure">
      <span className="errline">
        <Icon name="warning" small />
        <span>
          {error === null
            ? text('thread.failedPlain')
            : text('thread.failed', { reason: errorText(text, error.code) })}
        </span>
      </span>
      <span className="failure-acts">
        <button type="button" className="btn slim" onClick={() => onRetry(messageId)}>
          {text('thread.retry')}
        </button>
        <button type="button" className="btn quiet slim" onClick={() => onDiscard(messageId)}>
          {text('thread.discard')}
        </button>
      </span>
    </div>
  )
}
