import type { Clock } from '../../base/clock.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { SystemNote } from '../../contract/index.ts'
import { insertMessage, setDelivery } from '../../storage/repositories/messages.ts'
import { deleteJob, type Job, type JobKind } from '../../storage/repositories/outbox.ts'
import type { Tx } from '../../storage/vault.ts'
import type { Self } from '../account/self.ts'
import { systemLine } from '../conversations/systemLine.ts'

type Change = Extract<SystemNote, { kind: 'changeNotSent' }>['change']

/** What a person did and sees as done; the rest is told by nobody, and missed by nobody. */
const changes: Readonly<Partial<Record<JobKind, Change>>> = {
  edit: 'edit',
  delete: 'delete',
  reaction: 'reaction',
  acknowledgement: 'acknowledgement',
  timer: 'timer',
}

/** A line that was added to a conversation. */
export interface AddedLine {
  readonly conversationId: string
  readonly position: number | null
}

/**
 * Gives a job up for good and says so to who waits for it: on the message itself, or, where something done to a message
 * was to leave, with a line of its own. The lines added.
 */
export function giveUp(
  tx: Tx,
  job: Job,
  code: ErrorCode,
  by: { readonly self: Self; readonly clock: Clock },
): readonly AddedLine[] {
  deleteJob(tx, job.jobId)
  if (job.messagePosition !== null) {
    setDelivery(tx, job.messagePosition, 'failed', JSON.stringify({ code, details: {} }))
    return []
  }
  const change = changes[job.kind]
  if (change === undefined) return []
  const note = { kind: 'changeNotSent', change } as const
  const line = systemLine(job.destination, by.self.record, true, note, by.clock.now())
  return [{ conversationId: job.destination, position: insertMessage(tx, line) }]
}
