import { z } from 'zod'
import { errorCodes } from '../base/errors.ts'

/** What the renderer is shown. Times are ms since the epoch that a Date can hold (ECMA-262 21.4.1.1); ids are opaque to it. */
const time = z.int().min(0).max(8.64e15)

export const accountIdSchema = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
/** A direct conversation has the id of the other account. */
export const conversationIdSchema = accountIdSchema
/** 16 random bytes in lower-case hex, chosen by the author's device. */
export const messageIdSchema = z.string().regex(/^[0-9a-f]{32}$/)

export const localeSchema = z.enum(['fr', 'en'])
/** `null`: follow the system. */
export const themeSchema = z.enum(['light', 'dark', 'contrast']).nullable()
export const appearanceSchema = z.strictObject({ locale: localeSchema, theme: themeSchema })

export const errorReportSchema = z.strictObject({
  code: z.enum(errorCodes),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
})

/** A person as the directory confirms them. */
export const personSchema = z.strictObject({
  accountId: accountIdSchema,
  displayName: z.string(),
  title: z.string(),
  service: z.string(),
  organisation: z.string(),
})

/** Where a message of one's own stands; an incoming one is `received`. */
export const deliverySchema = z.enum(['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'received'])

export const messageSchema = z.strictObject({
  messageId: messageIdSchema,
  conversationId: conversationIdSchema,
  /** Place in the conversation: rises, never changes, may have gaps. */
  position: z.int().min(1),
  authorId: accountIdSchema,
  own: z.boolean(),
  /** `unknown`: content of a newer version; `undecryptable`: kept encrypted in quarantine. `text` is then empty. */
  kind: z.enum(['text', 'unknown', 'undecryptable']),
  text: z.string(),
  sentAt: time,
  delivery: deliverySchema,
  /** Why it failed; null unless `delivery` is `failed`. */
  error: errorReportSchema.nullable(),
})

export const conversationSchema = z.strictObject({
  conversationId: conversationIdSchema,
  person: personSchema,
  /** The newest message; null for an empty conversation. */
  preview: z.strictObject({ text: z.string(), own: z.boolean(), delivery: deliverySchema }).nullable(),
  /** When it was last active; orders the list. */
  activeAt: time,
  unread: z.int().min(0),
  /** Position of the first unread message; null when all are read. */
  firstUnread: z.int().min(1).nullable(),
  draft: z.string(),
  /** Own messages that wait for the network. */
  queued: z.int().min(0),
  /** Received envelopes that wait, encrypted, for a decision about a changed identity (rule 5). */
  held: z.int().min(0),
})

export const connectionSchema = z.strictObject({
  state: z.enum(['connecting', 'online', 'offline']),
  /** Since when it is in this state. */
  since: time,
  /** When the next attempt is due; null unless offline. */
  nextAttemptAt: time.nullable(),
  /** Own messages that wait for the network, in all conversations. */
  queued: z.int().min(0),
  /** Why it is offline, if that is known. */
  error: errorReportSchema.nullable(),
})

export const ownAccountSchema = z.strictObject({
  person: personSchema,
  deviceId: z.int().min(1).max(127),
  deviceName: z.string(),
  relayAddress: z.string(),
})

/** What policy prescribes and the interface shows as managed. */
export const managedSchema = z.strictObject({
  /** The relay's address, when the organisation has fixed it; then a code alone enrols. */
  relayAddress: z.string().nullable(),
  passphraseRequired: z.boolean(),
  passphraseMinLength: z.int().min(1),
  /** Whom to ask for help, as the organisation words it; empty when it says nothing. */
  helpContact: z.string(),
})

export const stateSchema = z.discriminatedUnion('phase', [
  z.strictObject({ phase: z.literal('starting') }),
  /** Valise cannot start here; `error` says why and what to do. */
  z.strictObject({ phase: z.literal('refused'), error: errorReportSchema }),
  /** No vault yet. */
  z.strictObject({
    phase: z.literal('enrolment'),
    managed: managedSchema,
    /** Whether the operating system offers a key store that can hold the vault key. */
    osKeyStore: z.boolean(),
    /** Name of this machine, as a proposal. */
    deviceName: z.string(),
  }),
  /** A vault that opens by passphrase. */
  z.strictObject({
    phase: z.literal('locked'),
    managed: managedSchema,
    /** No attempt is taken before this time. */
    waitUntil: time.nullable(),
  }),
  z.strictObject({
    phase: z.literal('ready'),
    managed: managedSchema,
    account: ownAccountSchema,
    connection: connectionSchema,
    conversations: z.array(conversationSchema),
  }),
])

/** The whole state, with the number of the last delta it contains. */
export const snapshotSchema = z.strictObject({
  number: z.int().min(0),
  appearance: appearanceSchema,
  state: stateSchema,
})

/** One numbered step of the state. After a gap in the numbers the renderer asks for a snapshot. */
export const changeSchema = z.discriminatedUnion('kind', [
  /** The phase changed: take the whole of it. */
  z.strictObject({ kind: z.literal('state'), state: stateSchema }),
  z.strictObject({ kind: z.literal('appearance'), appearance: appearanceSchema }),
  z.strictObject({ kind: z.literal('connection'), connection: connectionSchema }),
  /** New or changed. */
  z.strictObject({ kind: z.literal('conversation'), conversation: conversationSchema }),
  z.strictObject({ kind: z.literal('messages'), messages: z.array(messageSchema) }),
  z.strictObject({
    kind: z.literal('messageRemoved'),
    conversationId: conversationIdSchema,
    messageId: messageIdSchema,
  }),
])
export const deltaSchema = z.strictObject({ number: z.int().min(1), change: changeSchema })

export type Locale = z.infer<typeof localeSchema>
export type Theme = z.infer<typeof themeSchema>
export type Appearance = z.infer<typeof appearanceSchema>
export type Person = z.infer<typeof personSchema>
export type Delivery = z.infer<typeof deliverySchema>
export type MessageView = z.infer<typeof messageSchema>
export type ConversationView = z.infer<typeof conversationSchema>
export type ConnectionView = z.infer<typeof connectionSchema>
export type OwnAccount = z.infer<typeof ownAccountSchema>
export type Managed = z.infer<typeof managedSchema>
export type State = z.infer<typeof stateSchema>
export type ReadyState = Extract<State, { phase: 'ready' }>
export type Snapshot = z.infer<typeof snapshotSchema>
export type Change = z.infer<typeof changeSchema>
export type Delta = z.infer<typeof deltaSchema>
