import { z } from 'zod'
import type { ErrorCode } from '../base/errors.ts'
import { always, call, commonErrors, nothing, ready } from './call.ts'
import { conversationCalls } from './calls/conversation.ts'
import { deviceCalls } from './calls/device.ts'
import { enrolmentCalls } from './calls/enrolment.ts'
import { messageCalls } from './calls/message.ts'
import { appearanceSchema, deltaSchema, localeSchema, snapshotSchema, themeSchema } from './view.ts'

export { messagePageSize } from './calls/conversation.ts'
export { messageTextBytes } from './calls/message.ts'
export { commonErrors, type Phase } from './call.ts'

/** Everything the renderer may ask. Preload, gate and client are derived from this object: one entry is one call. */
export const calls = {
  /** The whole state; asked at start and after a gap in the deltas. */
  'state.snapshot': call({
    owner: 'engine',
    phases: always,
    input: nothing,
    output: snapshotSchema,
    errors: [],
  }),

  /** Connects now instead of at the next attempt. */
  'connection.retry': call({ owner: 'engine', phases: ready, input: nothing, output: nothing, errors: [] }),

  /** Kept in the vault once there is one. */
  'appearance.set': call({
    owner: 'engine',
    phases: always,
    input: z.strictObject({ locale: localeSchema.optional(), theme: themeSchema.optional() }),
    output: appearanceSchema,
    errors: [],
  }),

  /** Asks the person, then opens an https or mailto address outside (rule 8). */
  'link.open': call({
    owner: 'main',
    phases: always,
    input: z.strictObject({ address: z.string().max(2048) }),
    output: z.strictObject({ opened: z.boolean() }),
    errors: ['link.refused'],
  }),

  'window.control': call({
    owner: 'main',
    phases: always,
    input: z.strictObject({ action: z.enum(['minimise', 'maximise', 'close']) }),
    output: nothing,
    errors: [],
  }),

  ...enrolmentCalls,
  ...conversationCalls,
  ...messageCalls,
  ...deviceCalls,
} as const

export type Calls = typeof calls
export type CallName = keyof Calls
export type CallInput<N extends CallName> = z.input<Calls[N]['input']>
export type CallOutput<N extends CallName> = z.output<Calls[N]['output']>
/** Whether the contract says that this call may answer with this code. */
export function declares(name: CallName, code: ErrorCode): boolean {
  return commonErrors.includes(code) || calls[name].errors.includes(code)
}

export const callNames = Object.keys(calls) as readonly CallName[]

type OwnedBy<O extends 'engine' | 'main'> = {
  [N in CallName]: Calls[N]['owner'] extends O ? N : never
}[CallName]
export type EngineCallName = OwnedBy<'engine'>
export type MainCallName = OwnedBy<'main'>

/** Everything the renderer is told without asking. */
export const events = {
  delta: deltaSchema,
} as const
export type EventName = keyof typeof events

/** Names of the IPC channels: one a call, one an event. */
export const callChannel = (name: CallName): string => `valise:${name}`
export const eventChannel = (name: EventName): string => `valise:event:${name}`

/** The largest input of a call after serialisation, in characters; the gate refuses more before it parses. */
export const callInputCharacters = 256 * 1024
