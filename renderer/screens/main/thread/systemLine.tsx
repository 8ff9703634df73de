import { Icon, type IconName } from '../../../components/icon.tsx'
import type { SystemNote } from '../../../../src/contract/index.ts'
import { useWords } from '../../../context.tsx'
import type { RowContext } from './messageRow.tsx'
import { insteadOfText } from './words.ts'

const icons: Readonly<Record<SystemNote['kind'], IconName>> = {
  identityChanged: 'sealBroken',
  identityAccepted: 'seal',
  deviceAdded: 'workstation',
  timerChanged: 'timer',
  changeNotSent: 'warning',
}

/** What happened in the conversation, as a line of the ledger between its messages. */
export function SystemLine({ message, person }: RowContext) {
  const { text, dates } = useWords()
  const accepted = message.note?.kind === 'identityAccepted' && !message.note.verified
  const icon = message.note === null ? 'info' : accepted ? 'info' : icons[message.note.kind]
  return (
    <p className="sys">
      <Icon name={icon} small />
      <time className="num strong" dateTime={new Date(message.sentAt).toISOString()}>
        {dates.clock(message.sentAt)}
      </time>
      <span>{insteadOfText(text, message, person.displayName)}</span>
    </p>
  )
}
