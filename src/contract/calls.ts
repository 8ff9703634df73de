import { z } from 'zod'
import type { ErrorCode } from '../base/errors.ts'
import {
  accountIdSchema,
  appearanceSchema,
  conversationIdSchema,
  deltaSchema,
  localeSchema,
  messageIdSchema,
  messageSchema,
  personSchema,
  snapshotSchema,
  themeSchema,
} from './view.ts'

// Under the page's CSP zod must not try to compile its parsers with `new Function`.
z.config({ jitless: true })

/** UTF-8 limit of a message's text; the composer says it in words before it is reached. */
export const messageTextBytes = 16 * 1024
export const messagePageSize = 100

interface CallSpec<W extends 'engine' | 'main', I extends z.ZodType, O extends z.ZodType> {
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
  'relay.malformedAnswer',
  'vault.diskFull',
  'vault.busy',
  'vault.damaged',
  'internal',
]

const always: readonly Phase[] = ['starting', 'refused', 'enrolment', 'locked', 'ready']
const ready: readonly Phase[] = ['ready']
const nothing = z.strictObject({})

function call<W extends 'engine' | 'main', I extends z.ZodType, O extends z.ZodType>(
  spec: CallSpec<W, I, O>,
): CallSpec<W, I, O> {
  return spec
}

const invitationText = z.string().min(1).max(4096)

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

  /** Reads an invitation, reaches the relay, checks its certificate and trust anchors. Changes nothing. */
  'enrolment.inspect': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: z.strictObject({ invitation: invitationText }),
    output: z.strictObject({ address: z.string(), organisation: z.string(), person: personSchema }),
    errors: [
      'invitation.malformed',
      'invitation.unknown',
      'invitation.used',
      'invitation.expired',
      'relay.anchors',
      'relay.insecureAddress',
      'relay.notAllowed',
      'relay.version',
    ],
  }),

  /**
   * Makes the vault, the keys and the device, and enrols it. After a refusal nothing stays behind; when the answer was
   * lost the vault stays and the same invitation takes it up again, for it may be used up.
   */
  'enrolment.complete': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: z.strictObject({
      invitation: invitationText,
      deviceName: z.string().trim().min(1).max(64),
      protection: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('osKeyStore') }),
        z.strictObject({ kind: z.literal('passphrase'), passphrase: z.string().min(1).max(1024) }),
      ]),
    }),
    output: nothing,
    errors: [
      'invitation.malformed',
      'invitation.unknown',
      'invitation.used',
      'invitation.expired',
      'relay.anchors',
      'relay.insecureAddress',
      'relay.notAllowed',
      'relay.version',
      'vault.noKeyStore',
      'vault.keyStoreRefused',
      'vault.passphraseTooShort',
      'vault.exists',
      'profile.notWritable',
      'policy.forbidden',
      'keys.malformed',
      'keys.signature',
      'request.malformed',
    ],
  }),

  'vault.unlock': call({
    owner: 'engine',
    phases: ['locked'],
    input: z.strictObject({ passphrase: z.string().min(1).max(1024) }),
    output: nothing,
    /** `vault.passphraseWrong` has `attemptsLeft`, `vault.passphraseWait` has `seconds`. */
    errors: [
      'vault.passphraseWrong',
      'vault.passphraseWait',
      'vault.slotsDamaged',
      'vault.wrongKey',
      'vault.notAVault',
      'vault.missing',
      'vault.newer',
      'profile.notWritable',
      'relay.notAllowed',
    ],
  }),

  /** A page of the relay's directory, people of the own organisation first; not kept on this workstation. */
  'directory.search': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ query: z.string().max(64), after: z.string().max(512).nullable() }),
    output: z.strictObject({
      people: z.array(personSchema),
      next: z.string().nullable(),
      total: z.int().min(0),
    }),
    errors: ['request.malformed'],
  }),

  /** The direct conversation with a person of the directory; made when it does not exist. */
  'conversation.open': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ accountId: accountIdSchema }),
    output: z.strictObject({ conversationId: conversationIdSchema }),
    errors: ['recipient.unknown'],
  }),

  /** Messages before a position (null: the newest), oldest first. */
  'conversation.messages': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({
      conversationId: conversationIdSchema,
      before: z.int().min(1).nullable(),
      limit: z.int().min(1).max(messagePageSize),
    }),
    output: z.strictObject({ messages: z.array(messageSchema), more: z.boolean() }),
    errors: ['conversation.notFound'],
  }),

  /** Everything up to this position has been seen. */
  'conversation.read': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ conversationId: conversationIdSchema, position: z.int().min(1) }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** Keeps what stands in the composer. */
  'conversation.draft': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ conversationId: conversationIdSchema, text: z.string().max(64 * 1024) }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** Answers when the message and its outbox job are durable. The same id twice is one message. */
  'message.send': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({
      conversationId: conversationIdSchema,
      messageId: messageIdSchema,
      text: z.string().max(messageTextBytes),
    }),
    output: nothing,
    errors: ['conversation.notFound', 'message.empty', 'message.tooLarge'],
  }),

  /** Tries a failed message again. */
  'message.retry': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ messageId: messageIdSchema }),
    output: nothing,
    errors: ['message.notFound'],
  }),

  /** Removes a message of one's own that has not left (failed, or queued and not yet encrypted). */
  'message.discard': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ messageId: messageIdSchema }),
    output: nothing,
    errors: ['message.notFound'],
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
