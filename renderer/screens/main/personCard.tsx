import { useEffect, useRef, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { Person } from '../../../src/contract/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { useModel, useServices, useText } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'
import { openConversation } from '../../store/view.ts'

interface PersonCardProps {
  readonly person: Person | null
  readonly onBack: () => void
}

export function PersonCard({ person, onBack }: PersonCardProps) {
  const text = useText()
  if (person === null) {
    return (
      <main className="thread centred" aria-label={text('directory.chooseTitle')}>
        <div className="first-steps">
          <div className="col">
            <h2>{text('directory.chooseTitle')}</h2>
            <p className="lead">{text('directory.chooseLead')}</p>
          </div>
        </div>
      </main>
    )
  }
  return (
    <main
      className="thread"
      aria-label={text('directory.card', { name: person.displayName })}
      data-region="thread"
    >
      <header className="chead only-narrow">
        <button
          type="button"
          className="ib"
          aria-label={text('directory.back')}
          title={text('directory.back')}
          onClick={onBack}
        >
          <Icon name="back" />
        </button>
      </header>
      <Card key={person.accountId} person={person} />
    </main>
  )
}

function Card({ person }: { readonly person: Person }) {
  const text = useText()
  const { client, view } = useServices()
  const ownId = useModel((model) => readyOf(model)?.account.person.accountId ?? null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const button = useRef<HTMLButtonElement>(null)
  // Enter chooses, Enter writes: the card's one action is where the keyboard goes.
  useEffect(() => button.current?.focus(), [])
  const write = async (): Promise<void> => {
    const answer = await client.call('conversation.open', { accountId: person.accountId })
    if (answer.ok) openConversation(view, answer.value.conversationId)
    else setError(answer.error)
  }
  const facts = [
    { name: text('directory.function'), value: person.title },
    { name: text('directory.service'), value: person.service },
    { name: text('directory.organisation'), value: person.organisation },
  ].filter((fact) => fact.value !== '')
  return (
    <div className="scroll">
      <article className="person-card">
        <div className="person-head">
          <Avatar name={person.displayName} accountId={person.accountId} size="large" />
          <h2>{person.displayName}</h2>
        </div>
        <dl>
          {facts.map((fact) => (
            <div className="kv" key={fact.name}>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
        {person.accountId === ownId ? (
          <p className="hint">{text('directory.self')}</p>
        ) : (
          <div className="acts">
            <button
              ref={button}
              type="button"
              className="btn primary lg"
              aria-label={text('directory.writeTo', { name: person.displayName })}
              onClick={() => void write()}
            >
              <Icon name="messages" small />
              {text('directory.write')}
            </button>
          </div>
        )}
        <ErrorLine error={error} />
      </article>
    </div>
  )
}
