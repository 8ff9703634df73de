import { z } from 'zod'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { BodyKind } from '../../content/body.ts'
import { decodeContent } from '../../content/content.ts'
import type { WhenUnreadable } from '../../protocol/sealedSender.ts'
import type { Job, JobKind, NewJob } from '../../storage/repositories/outbox.ts'

const day = 24 * 3_600_000

/** What a kind of job is: a closed list, with all that depends on the kind. */
interface JobRules {
  /** After how long it is worth nothing any more, in ms; null: it waits for ever. */
  readonly maximumAge: number | null
  /** The account's other devices get it too, as something that was sent. */
  readonly isShared: boolean
  /** It is worth sending again to a device that could not read it; a receipt is overtaken by the next one. */
  readonly isSentAgain: boolean
  readonly whenUnreadable: WhenUnreadable
  readonly schema: z.ZodType
}

const toAll = { onlyDevice: z.null(), messagePosition: z.null(), refersTo: z.null() }
const toOne = { ...toAll, onlyDevice: z.int().min(1).max(127) }
const aboutMessage = z.instanceof(Uint8Array).refine(({ length }) => length === 16)

const carrying = (bodies: readonly BodyKind[], fields: z.ZodRawShape): z.ZodType =>
  z.object({ destination: z.uuid(), body: z.enum(bodies), ...fields })

const ownBodies = [
  'sentMessage',
  'readUpTo',
  'conversationSettings',
  'deleteForMe',
  'accountKeys',
  'identityDecision',
  'accountSettings',
] as const satisfies readonly BodyKind[]
const shownBodies = [
  'text',
  'edit',
  'deleteForEveryone',
  'reaction',
  'acknowledgement',
  'timerChange',
] as const
const changes = { isShared: true, isSentAgain: true, whenUnreadable: 'mark', maximumAge: 30 * day } as const
const passing = { isShared: false, isSentAgain: false, whenUnreadable: 'nothing' } as const
/** No person looks for it; what is sent again has the mark of the first time. */
const kept = { isShared: false, isSentAgain: true, whenUnreadable: 'ask' } as const

const change = (body: BodyKind): z.ZodType => carrying([body], { ...toAll, refersTo: aboutMessage })

export const jobKinds: Readonly<Record<JobKind, JobRules>> = {
  message: {
    ...changes,
    schema: carrying(['text'], { ...toAll, messagePosition: z.int().positive() }),
  },
  edit: { ...changes, schema: change('edit') },
  delete: { ...changes, maximumAge: null, schema: change('deleteForEveryone') },
  reaction: { ...changes, schema: change('reaction') },
  acknowledgement: { ...changes, schema: change('acknowledgement') },
  timer: { ...changes, schema: carrying(['timerChange'], toAll) },
  receipt: { ...passing, maximumAge: 30 * day, schema: carrying(['deliveryReceipt'], toAll) },
  readReceipt: { ...passing, maximumAge: 30 * day, schema: carrying(['readReceipt'], toAll) },
  typing: { ...passing, maximumAge: 10_000, schema: carrying(['typing'], toAll) },
  sync: { ...kept, maximumAge: null, schema: carrying(ownBodies, { ...toOne, refersTo: aboutMessage }) },
  profileKey: { ...kept, maximumAge: null, schema: carrying(['profileKeyUpdate'], toAll) },
  resend: {
    ...kept,
    maximumAge: 14 * day,
    schema: carrying([...shownBodies, ...ownBodies, 'profileKeyUpdate', 'unknown'], toOne),
  },
  // libsignal made what it carries: no content of ours.
  retryRequest: {
    ...passing,
    maximumAge: 7 * day,
    schema: z.object({ destination: z.uuid(), ...toOne }),
  },
}

/** Whether it is what its kind demands; a damaged vault, or one of another version, may hold a job that is not. */
export function isProperJob(job: NewJob | Job): boolean {
  if (!Object.hasOwn(jobKinds, job.kind)) return false
  const body = job.kind === 'retryRequest' ? null : bodyKind(job.content)
  const fields = { ...job, body, onlyDevice: job.onlyDevice ?? null, refersTo: job.refersTo ?? null }
  return jobKinds[job.kind].schema.safeParse(fields).success
}

function bodyKind(content: Bytes): BodyKind | null {
  try {
    return decodeContent(content).body.kind
  } catch (error) {
    if (error instanceof CodedError) return null
    throw error
  }
}
