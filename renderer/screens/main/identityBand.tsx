import type { ConversationView, MessageView } from '../../../src/contract/index.ts'
import { Icon } from '../../components/icon.tsx'
import { useServices, useWords } from '../../context.tsx'

interface IdentityBandProps {
  readonly conversation: ConversationView
  readonly messages: readonly MessageView[]
  readonly onCompare: () => void
}

/** A changed identity (rule 5): what it may mean, that sending waits, and how many messages do; never their text. */
export function IdentityBand({ conversation, messages, onCompare }: IdentityBandProps) {
  const { text, dates } = useWords()
  const { now } = useServices()
  const { held, person } = conversation
  const name = person.displayName
  const since = messages.findLast((one) => one.note?.kind === 'identityChanged')?.sentAt ?? null
  const today = since !== null && dates.dayKey(since) === dates.dayKey(now())
  return (
    <section className="note warn held" role="alert">
      <Icon name="sealBroken" />
      <div className="col">
        <b>
          {today
            ? text('identity.changedTitleAt', { name, time: dates.clock(since) })
            : text('identity.changedTitle', { name })}
        </b>
        <p>{text('identity.changedWhy')}</p>
        <p>
          {text('identity.paused')} {held > 0 && text('thread.heldTitle', { count: held })}
        </p>
        <div className="acts">
          <button type="button" className="btn primary" onClick={onCompare}>
            <Icon name="seal" small />
            {text('identity.compare')}
          </button>
        </div>
      </div>
    </section>
  )
}
