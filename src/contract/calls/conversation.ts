import { z } from 'zod'
import { call, nothing, ready } from '../call.ts'
import {
  accountIdSchema,
  conversationIdSchema,
  messageSchema,
  personSchema,
  timeSchema,
  timerSecondsSchema,
} from '../view.ts'

export const messagePageSize = 100

const conversation = z.strictObject({ conversationId: conversationIdSchema })

export const conversationCalls = {
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

  /** The person is writing, or has stopped. Told to the other side when they have accepted and the switch is on. */
  'conversation.typing': call({
    owner: 'engine',
    phases: ready,
    input: conversation.extend({ typing: z.boolean() }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** How long messages stay from now on, for both sides; 0: for ever. */
  'conversation.timer': call({
    owner: 'engine',
    phases: ready,
    input: conversation.extend({ seconds: timerSecondsSchema }),
    output: nothing,
    errors: ['conversation.notFound', 'conversation.blocked'],
  }),

  /** Takes a stranger's request: from now on they get receipts and may write without a permit. */
  'conversation.accept': call({
    owner: 'engine',
    phases: ready,
    input: conversation,
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** Nothing more of them is shown; the account's access key changes, so that they cannot use it. */
  'conversation.block': call({
    owner: 'engine',
    phases: ready,
    input: conversation.extend({ blocked: z.boolean() }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** What is left out stays. Goes to the account's other devices. */
  'conversation.settings': call({
    owner: 'engine',
    phases: ready,
    input: conversation.extend({
      /** 0: not muted. */
      mutedUntil: timeSchema.optional(),
      pinned: z.boolean().optional(),
      archived: z.boolean().optional(),
    }),
    output: nothing,
    errors: ['conversation.notFound'],
  }),

  /** The number to compare with the person, and its scannable form (base64url). */
  'identity.safetyNumber': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ accountId: accountIdSchema }),
    output: z.strictObject({
      /** 12 groups of 5 digits. */
      groups: z.array(z.string().regex(/^\d{5}$/)).length(12),
      scannable: z.string(),
      /** Whether it stands for a changed identity that waits for a decision. */
      pending: z.boolean(),
      verified: z.boolean(),
    }),
    errors: ['identity.unknown'],
  }),

  /**
   * Decides about a changed identity: what waited is then read, and sending goes on. `groups` are those the person saw,
   * so that a key which changed again meanwhile is not accepted with it.
   */
  'identity.accept': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ accountId: accountIdSchema, groups: z.array(z.string()).length(12) }),
    output: nothing,
    errors: ['identity.notPending', 'identity.superseded', 'identity.unknown'],
  }),

  /**
   * Marks an identity as compared, or no longer. `groups` are those the person compared; with `scanned` (base64url) Valise
   * compares by itself as well.
   */
  'identity.verify': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({
      accountId: accountIdSchema,
      verified: z.boolean(),
      groups: z.array(z.string()).length(12),
      scanned: z.string().max(512).optional(),
    }),
    output: nothing,
    errors: ['identity.unknown', 'identity.mismatch', 'identity.superseded'],
  }),
} as const
