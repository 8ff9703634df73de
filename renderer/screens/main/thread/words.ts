import { exhausted } from '../../../../src/base/exhaustive.ts'
import type { MessageView, SystemNote } from '../../../../src/contract/index.ts'
import type { Dates, Text } from '../../../../src/text/index.ts'
import { spanWords } from '../../../components/spans.ts'

/** Pure rules of how what stands in a thread is said. */

export function noteText(text: Text, note: SystemNote, name: string): string {
  switch (note.kind) {
    case 'identityChanged':
      return text('note.identityChanged', { name })
    case 'identityAccepted':
      return text(note.verified ? 'note.identityVerified' : 'note.identityAccepted', { name })
    case 'deviceAdded':
      return text('note.deviceAdded', { name })
    case 'timerChanged': {
      if (note.seconds === 0) return text(note.own ? 'note.timerOwnOff' : 'note.timerOtherOff', { name })
      const span = spanWords(text, note.seconds * 1000)
      return text(note.own ? 'note.timerOwn' : 'note.timerOther', { name, span })
    }
    case 'changeNotSent':
      return text(`note.notSent.${note.change}`, { name })
    default:
      return exhausted(note)
  }
}

/** What a row says where its author's words are not shown; null: the words are. */
export function insteadOfText(text: Text, message: MessageView, name: string): string | null {
  if (message.note !== null) return noteText(text, message.note, name)
  if (message.deleted) return text(message.own ? 'thread.deletedOwn' : 'thread.deletedOther')
  switch (message.kind) {
    case 'text':
      return null
    case 'undecryptable':
      return text('thread.undecryptable', { name })
    case 'unknown':
    case 'system':
      return text('thread.unknown')
    default:
      return exhausted(message.kind)
  }
}

/** The clock, with the day before it when it is not today. */
export function when(dates: Dates, at: number, now: number): string {
  const clock = dates.clock(at)
  const day = dates.list(at, now)
  return dates.dayKey(at) === dates.dayKey(now) || day === clock ? clock : `${day} ${clock}`
}
