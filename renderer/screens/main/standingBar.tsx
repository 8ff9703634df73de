import { useEffect, useId, useRef, useState } from 'react'
import type { ErrorReport, Result } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { useServices, useText, useView } from '../../context.tsx'
import { BlockDialog } from './blockDialog.tsx'

/** In the composer's place: a stranger who waits to be accepted, or someone who is blocked. */
export function StandingBar({ conversation }: { readonly conversation: ConversationView }) {
  const text = useText()
  const { client, view } = useServices()
  const [error, setError] = useState<ErrorReport | null>(null)
  const [blocking, setBlocking] = useState(false)
  const title = useRef<HTMLHeadingElement>(null)
  const titleId = useId()
  const focusAsked = useView((one) => one.composerFocus)
  // Where one would write; never on a button that accepts.
  useEffect(() => title.current?.focus(), [focusAsked])
  const { conversationId, person, standing } = conversation
  const name = person.displayName
  const run = async (call: Promise<Result<unknown>>): Promise<void> => {
    const answer = await call
    setError(answer.ok ? null : answer.error)
    // The bar gives way to the composer.
    if (answer.ok) view.setState((was) => ({ composerFocus: was.composerFocus + 1 }))
  }
  const request = standing === 'request'
  return (
    <section className="standing" aria-labelledby={titleId} data-region="composer">
      <div className="col grow">
        <h3 id={titleId} ref={title} tabIndex={-1} data-region-focus="">
          {text(request ? 'request.title' : 'blocked.title', { name })}
        </h3>
        <p className="hint">{text(request ? 'request.explain' : 'blocked.explain')}</p>
        <ErrorLine error={error} />
      </div>
      {request ? (
        <div className="acts">
          <button type="button" className="btn dgr-o" onClick={() => setBlocking(true)}>
            {text('menu.block')}
          </button>
          <button
            type="button"
            className="btn primary"
            onClick={() => void run(client.call('conversation.accept', { conversationId }))}
          >
            {text('request.accept')}
          </button>
        </div>
      ) : (
        <button
          type="button"
          className="btn"
          onClick={() => void run(client.call('conversation.block', { conversationId, blocked: false }))}
        >
          {text('blocked.unblock')}
        </button>
      )}
      {blocking && <BlockDialog conversation={conversation} onClose={() => setBlocking(false)} />}
    </section>
  )
}
