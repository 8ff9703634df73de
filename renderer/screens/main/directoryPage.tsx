import { useEffect, useRef, useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { Person } from '../../../src/contract/index.ts'
import type { Text } from '../../../src/text/index.ts'
import { Avatar } from '../../components/avatar.tsx'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { focusList, moveInList } from '../../components/roving.ts'
import { useText, useView } from '../../context.tsx'
import { PersonCard } from './personCard.tsx'
import { Rail } from './rail.tsx'
import { useDirectory } from './useDirectory.ts'

/** The same shell as the messages: people on the left, the chosen one's card on the right. */
export function DirectoryPage() {
  const [chosen, setChosen] = useState<Person | null>(null)
  return (
    <div className="shell no-pane" data-narrow={chosen === null ? 'list' : 'thread'}>
      <Rail />
      <People chosen={chosen} onChoose={setChosen} />
      <PersonCard
        person={chosen}
        onBack={() => {
          setChosen(null)
          focusList()
        }}
      />
    </div>
  )
}

interface PeopleProps {
  readonly chosen: Person | null
  readonly onChoose: (person: Person) => void
}

function People({ chosen, onChoose }: PeopleProps) {
  const text = useText()
  const [query, setQuery] = useState('')
  const { found, busy, error, more, again } = useDirectory(query)
  const list = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const wanted = useView((view) => view.directoryFocus)
  useEffect(() => field.current?.focus(), [wanted])
  const people = found?.people ?? []
  const tooMany = people.length === 0 && (found?.next ?? null) !== null
  const rovingId = people.some((one) => one.accountId === chosen?.accountId)
    ? chosen?.accountId
    : people[0]?.accountId
  return (
    <section className="panel list" aria-label={text('directory.label')} data-region="list">
      <div className="lhead">
        <h1>{text('directory.title')}</h1>
      </div>
      <div className="directory-search">
        <div className="input">
          <Icon name="search" small />
          <input
            ref={field}
            type="search"
            className="grow"
            aria-label={text('directory.search')}
            placeholder={text('directory.search')}
            title={text('directory.search')}
            maxLength={64}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'ArrowDown') return
              event.preventDefault()
              list.current?.querySelector<HTMLElement>('[role=option]')?.focus()
            }}
          />
        </div>
        <p className="hint" role="status">
          {busy
            ? text('directory.searching')
            : found && text(tooMany ? 'directory.tooMany' : 'directory.count', { count: found.total })}
        </p>
        <ErrorLine error={error} {...againIn(error, text)} />
        {error !== null && (
          <button type="button" className="btn" onClick={again}>
            <Icon name="retry" small />
            {text('directory.retry')}
          </button>
        )}
      </div>
      {tooMany && (
        <button type="button" className="btn quiet more" onClick={more}>
          {text('directory.showThem')}
        </button>
      )}
      {people.length > 0 && (
        <div className="scroll">
          <div
            ref={list}
            role="listbox"
            aria-label={text('directory.results')}
            onKeyDown={moveInList}
            data-testid="directory-list"
          >
            {people.map((person) => (
              <PersonOption
                key={person.accountId}
                person={person}
                selected={person.accountId === chosen?.accountId}
                roving={person.accountId === rovingId}
                onChoose={onChoose}
              />
            ))}
          </div>
          {found?.next && (
            <button type="button" className="btn quiet more" onClick={more}>
              {text('directory.more')}
            </button>
          )}
        </div>
      )}
    </section>
  )
}

/** When a budget has room again, as the relay said. */
function againIn(error: ErrorReport | null, text: Text): { more?: string } {
  const seconds = error?.details['seconds']
  if (error?.code !== 'budget.spent' || typeof seconds !== 'number') return {}
  return { more: text('directory.again', { minutes: Math.ceil(seconds / 60) }) }
}

interface PersonOptionProps {
  readonly person: Person
  readonly selected: boolean
  readonly roving: boolean
  readonly onChoose: (person: Person) => void
}

function PersonOption({ person, selected, roving, onChoose }: PersonOptionProps) {
  const where = [person.title, person.service].filter(Boolean).join(' · ')
  return (
    <div
      role="option"
      aria-selected={selected}
      className="conv inset"
      tabIndex={roving ? 0 : -1}
      data-account-id={person.accountId}
      onClick={() => onChoose(person)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        onChoose(person)
      }}
    >
      <Avatar name={person.displayName} accountId={person.accountId} />
      <span className="nm">
        <b className="trunc">{person.displayName}</b>
      </span>
      <span className="pv">
        <span className="trunc" title={where}>
          {where}
        </span>
      </span>
    </div>
  )
}
