import { z } from 'zod'
import { errorCodes } from '../base/errors.ts'
import { formatStyleNames, serviceReactionNames } from './names.ts'

/** What the renderer is shown. Times are ms since the epoch that a Date can hold (ECMA-262 21.4.1.1); ids are opaque to it. */
export const timeSchema = z.int().min(0).max(8.64e15)
const time = timeSchema

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

export const deviceIdSchema = z.int().min(1).max(127)
export const deviceNameSchema = z.string().trim().min(1).max(64)

/** 0: for ever. At most 400 days. */
export const timerSecondsSchema = z
  .int()
  .min(0)
  .max(400 * 24 * 3600)

/** Names a message by its author: two authors may choose the same id by malice. */
export const messageRefSchema = z.strictObject({ authorId: accountIdSchema, messageId: messageIdSchema })

/** Ranges count UTF-16 code units of the text, as JavaScript's strings do. */
const range = { start: z.int().min(0), length: z.int().min(1) }
export const formatStyleSchema = z.enum(formatStyleNames)
export const formatSchema = z.strictObject({ ...range, style: formatStyleSchema })
export const mentionSchema = z.strictObject({ ...range, accountId: accountIdSchema })

/** One of the worded service reactions, or an emoji. */
export const reactionChoiceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('service'), reaction: z.enum(serviceReactionNames) }),
  z.strictObject({ kind: z.literal('emoji'), emoji: z.string().min(1).max(64) }),
])

export const messageVersionSchema = z.strictObject({
  sentAt: time,
  text: z.string(),
  formats: z.array(formatSchema),
  mentions: z.array(mentionSchema),
})

/** What happened in a conversation, as a line between its messages. */
export const systemNoteSchema = z.discriminatedUnion('kind', [
  /** Their identity key changed; what they sent since waits for a decision. */
  z.strictObject({ kind: z.literal('identityChanged') }),
  z.strictObject({ kind: z.literal('identityAccepted'), verified: z.boolean() }),
  /** They write from one more device. */
  z.strictObject({ kind: z.literal('deviceAdded') }),
  z.strictObject({ kind: z.literal('timerChanged'), seconds: timerSecondsSchema, own: z.boolean() }),
  /** What was done here did not reach them, and never will. */
  z.strictObject({
    kind: z.literal('changeNotSent'),
    change: z.enum(['edit', 'delete', 'reaction', 'acknowledgement', 'timer']),
  }),
])

/** Where a message of one's own stands; an incoming one is `received`. */
export const deliverySchema = z.enum(['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'received'])

export const messageSchema = z.strictObject({
  messageId: messageIdSchema,
  conversationId: conversationIdSchema,
  /** Place in the conversation: rises, never changes, may have gaps. */
  position: z.int().min(1),
  authorId: accountIdSchema,
  own: z.boolean(),
  /** `unknown`: content of a newer version; `undecryptable`: could not be read and was asked for again. `text` is then empty. */
  kind: z.enum(['text', 'unknown', 'undecryptable', 'system']),
  text: z.string(),
  formats: z.array(formatSchema),
  mentions: z.array(mentionSchema),
  /** `excerpt` is the author's copy of what they answer to. */
  quote: messageRefSchema.extend({ excerpt: z.string() }).nullable(),
  sentAt: time,
  /** When the version shown was written; null when it is the first. */
  editedAt: time.nullable(),
  /** Taken back by its author: only the mark is left. */
  deleted: z.boolean(),
  reactions: z.array(z.strictObject({ personId: accountIdSchema, reaction: reactionChoiceSchema })),
  /** Whether the author asks for it to be taken into account, until when, and who has. */
  acknowledgement: z
    .strictObject({
      deadline: time.nullable(),
      by: z.array(z.strictObject({ personId: accountIdSchema, at: time })),
    })
    .nullable(),
  /** When it disappears; null while that has not begun, or never will. */
  expiresAt: time.nullable(),
  timerSeconds: timerSecondsSchema,
  /** Null unless `kind` is `system`. */
  note: systemNoteSchema.nullable(),
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
  /** `request`: a stranger who waits to be accepted. */
  standing: z.enum(['accepted', 'request', 'blocked']),
  identity: z.enum(['unknown', 'known', 'verified', 'changed']),
  timerSeconds: timerSecondsSchema,
  mutedUntil: time,
  pinned: z.boolean(),
  archived: z.boolean(),
  /** The other side is writing. */
  typing: z.boolean(),
})

/** A device of one's own account. */
export const deviceSchema = z.strictObject({
  deviceId: deviceIdSchema,
  name: z.string(),
  /** The one that answers. */
  current: z.boolean(),
  /** SHA-256 of its device key, lower-case hex. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  addedAt: time,
  lastSeenDay: time,
})

export const accountSettingsSchema = z.strictObject({
  deliveryReceipts: z.boolean(),
  readReceipts: z.boolean(),
  typingNotices: z.boolean(),
})

/** Something about this account that a person has to be told, until they have read it. */
export const alertSchema = z.strictObject({
  alertId: z.int().min(1),
  kind: z.enum(['deviceAdded', 'deviceRemoved', 'identityReplaced', 'vaultCopied']),
  /** Of the device meant; empty when there is none, or no name. */
  deviceName: z.string(),
  at: time,
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
    /** While this machine waits to be linked: the code to type on the other one. */
    link: z.strictObject({ code: z.string(), expiresAt: time }).nullable(),
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
    settings: accountSettingsSchema,
    alerts: z.array(alertSchema),
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
  z.strictObject({ kind: z.literal('settings'), settings: accountSettingsSchema }),
  /** All of them, whenever one comes or goes. */
  z.strictObject({ kind: z.literal('alerts'), alerts: z.array(alertSchema) }),
  /** New or changed. */
  z.strictObject({ kind: z.literal('conversation'), conversation: conversationSchema }),
  z.strictObject({ kind: z.literal('messages'), messages: z.array(messageSchema) }),
  z.strictObject({
    kind: z.literal('messageRemoved'),
    conversationId: conversationIdSchema,
    ...messageRefSchema.shape,
  }),
])
export const deltaSchema = z.strictObject({ number: z.int().min(1), change: changeSchema })

export type SystemNote = z.infer<typeof systemNoteSchema>
export type Format = z.infer<typeof formatSchema>
export type Mention = z.infer<typeof mentionSchema>
export type MessageRef = z.infer<typeof messageRefSchema>
export type MessageVersion = z.infer<typeof messageVersionSchema>
export type ReactionChoice = z.infer<typeof reactionChoiceSchema>
export type DeviceView = z.infer<typeof deviceSchema>
export type AccountSettings = z.infer<typeof accountSettingsSchema>
export type Alert = z.infer<typeof alertSchema>
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
