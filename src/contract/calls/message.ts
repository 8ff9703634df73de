import { z } from 'zod'
import { call, nothing, ready } from '../call.ts'
import {
  conversationIdSchema,
  formatSchema,
  mentionSchema,
  messageIdSchema,
  messageRefSchema,
  messageVersionSchema,
  reactionChoiceSchema,
  timeSchema,
} from '../view.ts'

/** UTF-8 limit of a message's text; the composer says it in words before it is reached. */
export const messageTextBytes = 16 * 1024

const textParts = {
  text: z.string().max(messageTextBytes),
  formats: z.array(formatSchema).max(100).default([]),
  mentions: z.array(mentionSchema).max(100).default([]),
}

/** What a person can do with messages. All of it answers when it is durable, with its outbox jobs. */
export const messageCalls = {
  /** Answers when the message and its outbox job are durable. The same id twice is one message. */
  'message.send': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({
      conversationId: conversationIdSchema,
      messageId: messageIdSchema,
      ...textParts,
      quote: messageRefSchema.nullable().default(null),
      /** Asks the recipient to say that it is taken into account. */
      acknowledgement: z.strictObject({ deadline: timeSchema.nullable() }).nullable().default(null),
    }),
    output: nothing,
    /** `message.notFound`: there is no message to quote. `content.malformed`: a range lies outside the text. */
    errors: [
      'conversation.notFound',
      'conversation.blocked',
      'message.empty',
      'message.tooLarge',
      'message.notFound',
      'content.malformed',
    ],
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

  /** Replaces the text of one's own message, within 24 hours; the versions before stay readable. */
  'message.edit': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ messageId: messageIdSchema, ...textParts }),
    output: nothing,
    errors: [
      'message.notFound',
      'message.notEditable',
      'message.empty',
      'message.tooLarge',
      'content.malformed',
      'conversation.blocked',
    ],
  }),

  /** All versions of a message, the current one first. */
  'message.versions': call({
    owner: 'engine',
    phases: ready,
    input: messageRefSchema,
    output: z.strictObject({ versions: z.array(messageVersionSchema) }),
    errors: ['message.notFound'],
  }),

  /** Takes one's own message back on every device of both sides; a mark stays in its place. */
  'message.deleteForEveryone': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ messageId: messageIdSchema }),
    output: nothing,
    errors: ['message.notFound', 'message.notDeletable', 'conversation.blocked'],
  }),

  /** Removes messages from one's own devices. */
  'message.deleteForMe': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({
      conversationId: conversationIdSchema,
      messages: z.array(messageRefSchema).min(1).max(200),
    }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** One reaction a person and message; null takes it back. */
  'message.react': call({
    owner: 'engine',
    phases: ready,
    input: messageRefSchema.extend({ reaction: reactionChoiceSchema.nullable() }),
    output: nothing,
    errors: ['message.notFound', 'reaction.invalid', 'content.notAllowed', 'conversation.blocked'],
  }),

  /** Taken into account: with its time, and not to be taken back. */
  'message.acknowledge': call({
    owner: 'engine',
    phases: ready,
    input: messageRefSchema,
    output: nothing,
    errors: ['message.notFound', 'content.notAllowed', 'conversation.blocked'],
  }),
} as const
