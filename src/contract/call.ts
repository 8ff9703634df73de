import { z } from 'zod'
import type { ErrorCode } from '../base/errors.ts'

// Under the page's CSP zod must not try to compile its parsers with `new Function`.
z.config({ jitless: true })

export interface CallSpec<W extends 'engine' | 'main', I extends z.ZodType, O extends z.ZodType> {
  /** Who answers: the engine thread, or the main process for what belongs to windows. */
  readonly owner: W
  /** In which phases of the state it may be called; the gate refuses others with `ipc.notReady`. */
  readonly phases: readonly Phase[]
  readonly input: I
  readonly output: O
  /** The codes it may answer with, besides `commonErrors`; the engine's tests keep it true. */
  readonly errors: readonly ErrorCode[]
}

export type Phase = 'starting' | 'refused' | 'enrolment' | 'locked' | 'ready'

/** What any call may answer: the gate's own refusals, the relay's and the disk's state, a defect. */
export const commonErrors: readonly ErrorCode[] = [
  'ipc.foreignSender',
  'ipc.malformed',
  'ipc.tooLarge',
  'ipc.notReady',
  'relay.unreachable',
  'relay.unavailable',
  'relay.certificate',
  'relay.unauthorised',
  'relay.tooManyRequests',
  'account.disabled',
  'budget.spent',
  'budget.stepUp',
  'relay.malformedAnswer',
  'vault.diskFull',
  'vault.busy',
  'vault.damaged',
  'internal',
]

export const always: readonly Phase[] = ['starting', 'refused', 'enrolment', 'locked', 'ready']
export const ready: readonly Phase[] = ['ready']
export const nothing = z.strictObject({})

export function call<W extends 'engine' | 'main', I extends z.ZodType, O extends z.ZodType>(
  spec: CallSpec<W, I, O>,
): CallSpec<W, I, O> {
  return spec
}
