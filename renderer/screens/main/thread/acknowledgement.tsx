import type { MessageView } from '../../../../src/contract/index.ts'
import type { TextKey } from '../../../../src/text/index.ts'
import { Icon } from '../../../components/icon.tsx'
import { useWords } from '../../../context.tsx'
import type { RowContext } from './messageRow.tsx'
import { when } from './words.ts'

/** What is asked, until when, and who has taken it into account at what time; it is not taken back. */
export function Acknowledgement(context: RowContext) {
  const { text, dates } = useWords()
  const { message, ownId, may, now, nameOf, roving, onAcknowledge } = context
  const { acknowledgement } = message
  if (acknowledgement === null) return null
  const { by, deadline } = acknowledgement
  const done = by.some((one) => one.personId === ownId)
  const asked = askedKey(message, now)
  const open = message.own ? by.length === 0 : !done
  return (
    <div className="ack">
      {open && (
        <span className={deadline !== null && deadline < now ? 'ack-asked late' : 'ack-asked'}>
          <Icon name="noted" small />
          {text(asked, { time: deadline === null ? '' : when(dates, deadline, now) })}
        </span>
      )}
      {open && !message.own && may.answer && (
        <button
          type="button"
          className="btn slim"
          tabIndex={roving ? 0 : -1}
          onClick={() => onAcknowledge(message)}
        >
          {text('ack.give')}
        </button>
      )}
      {by.map(({ personId, at }) => (
        <span className="ack-by" key={personId}>
          <Icon name="noted" small />
          {personId === ownId
            ? text('ack.byYou', { time: when(dates, at, now) })
            : text('ack.by', { name: nameOf(personId), time: when(dates, at, now) })}
        </span>
      ))}
    </div>
  )
}

function askedKey({ own, acknowledgement }: MessageView, now: number): TextKey {
  const deadline = acknowledgement?.deadline ?? null
  if (deadline === null) return own ? 'ack.waiting' : 'ack.asked'
  if (deadline < now) return own ? 'ack.waitingLate' : 'ack.late'
  return own ? 'ack.waitingBefore' : 'ack.askedBefore'
}
