import { copyBytes, fromHex, type Bytes } from '../../base/bytes.ts'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { excerptOf, outgoingMessage, type Body } from '../../content/content.ts'
import { outgoingReaction } from '../../content/reactions.ts'
import { noticeMessages } from '../../content/limits.ts'
import type { MessageChange } from '../../content/rules/messageState.ts'
import type { MessageText, Quote } from '../../content/text.ts'
import type { CallInput, CallOutput, MessageRef as ViewRef } from '../../contract/index.ts'
import type { Protocol } from '../../protocol/protocol.ts'
import {
  touchConversation,
  writeDraft,
  type ConversationRow,
} from '../../storage/repositories/conversations.ts'
import {
  deleteMessage,
  deleteMessages,
  findMessage,
  findOwnMessage,
  insertMessage,
  setDelivery,
  type MessageRow,
} from '../../storage/repositories/messages.ts'
import { jobOfMessage, type JobKind } from '../../storage/repositories/outbox.ts'
import { markRead, startTimer } from '../../storage/repositories/readState.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import type { RemovedMessage } from '../receiving/arrivals.ts'
import type { Conversations } from '../conversations/conversations.ts'
import type { ReachPoint } from '../crashPoints.ts'
import { changeMessage, stateOf, storedText, textOf } from '../receiving/messageChanges.ts'
import type { Posting } from './posting.ts'
import type { Self } from '../account/self.ts'
import type { ViewChanges } from '../views/viewChanges.ts'
import { mentionOf, versionView } from '../views/messageViews.ts'

interface WritingParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly clock: Clock
  readonly self: Self
  readonly posting: Posting
  readonly conversations: Conversations
  readonly changes: ViewChanges
  readonly reach: ReachPoint
  readonly removed: (message: RemovedMessage) => void
  /** Jobs were added. */
  readonly wake: () => void
}

/** What a person does with messages. Each is durable, with its jobs, when it returns. */
export class Writing {
  readonly #parts: WritingParts

  constructor(parts: WritingParts) {
    this.#parts = parts
  }

  send(input: CallInput<'message.send'>): void {
    const { conversationId, messageId, acknowledgement = null, quote = null } = input
    const conversation = this.#writable(conversationId)
    const id = idOf(messageId)
    const text = outgoingMessage(input.text, {
      formats: input.formats ?? [],
      mentions: (input.mentions ?? []).map(mentionOf),
      quote: quote && this.#quoted(quote),
      timerSeconds: conversation.timerSeconds,
      acknowledgementRequest: acknowledgement,
    })
    const { vault, reach, changes, wake } = this.#parts
    const position = vault.transaction((tx) => this.#insertOutgoing(tx, conversation, id, text))
    reach('send.kept')
    if (position === null) return
    changes.messages([position], [conversationId])
    changes.connection()
    wake()
  }

  retry({ messageId }: CallInput<'message.retry'>): void {
    const message = this.#own(messageId)
    if (message.delivery !== 'failed' || message.deletedAt !== null) return
    this.#writable(message.conversationId)
    const { vault, changes, wake } = this.#parts
    vault.transaction((tx) => {
      setDelivery(tx, message.position, 'queued', null)
      this.#post(tx, message, textOf(message))
    })
    changes.messages([message.position], [message.conversationId])
    changes.connection()
    wake()
  }

  /** Waits for the sessions, so that nothing is taken away while it is being encrypted. */
  async discard({ messageId }: CallInput<'message.discard'>): Promise<void> {
    const message = this.#own(messageId)
    const { vault, protocol, changes, removed } = this.#parts
    await protocol.exclusively(async () => {
      const job = jobOfMessage(vault.sql, message.position)
      if (job?.status === 'encrypted') throw new CodedError('message.notFound')
      if (job === null && this.#own(messageId).delivery !== 'failed') throw new CodedError('message.notFound')
      vault.transaction((tx) => deleteMessage(tx, message.position))
    })
    removed({ conversationId: message.conversationId, authorId: message.authorId, messageId })
    changes.conversation(message.conversationId)
    changes.connection()
  }

  edit(input: CallInput<'message.edit'>): void {
    const message = this.#own(input.messageId)
    // A line of Valise's own is nobody's to change.
    if (message.kind !== 'text') throw new CodedError('message.notEditable')
    this.#writable(message.conversationId)
    const { quote, timerSeconds, acknowledgementRequest } = textOf(message)
    const text = outgoingMessage(input.text, {
      formats: input.formats ?? [],
      mentions: (input.mentions ?? []).map(mentionOf),
      quote,
      timerSeconds,
      acknowledgementRequest,
    })
    const change = { kind: 'edit', text } as const
    this.#change(message, change, 'edit', { kind: 'edit', messageId: message.messageId, text })
  }

  versions(input: CallInput<'message.versions'>): CallOutput<'message.versions'> {
    const state = stateOf(this.#parts.vault.sql, this.#found(input))
    return { versions: (state?.versions ?? []).map(versionView) }
  }

  deleteForEveryone({ messageId }: CallInput<'message.deleteForEveryone'>): void {
    const message = this.#own(messageId)
    if (message.kind !== 'text') throw new CodedError('message.notDeletable')
    this.#writable(message.conversationId)
    const body: Body = { kind: 'deleteForEveryone', messageId: message.messageId }
    this.#change(message, { kind: 'deleteForEveryone' }, 'delete', body)
  }

  /** On one's own devices; the other side keeps its own. */
  deleteForMe({ conversationId, messages }: CallInput<'message.deleteForMe'>): void {
    this.#parts.conversations.known(conversationId)
    const { vault, posting, removed, changes, wake } = this.#parts
    const rows = messages.flatMap((ref) => {
      const row = findMessage(vault.sql, ref.authorId, idOf(ref.messageId))
      return row === null || row.conversationId !== conversationId ? [] : [{ row, messageId: ref.messageId }]
    })
    if (rows.length === 0) return
    vault.transaction((tx) => {
      deleteMessages(
        tx,
        rows.map(({ row }) => row.position),
      )
      for (let at = 0; at < rows.length; at += noticeMessages) {
        const refs = rows.slice(at, at + noticeMessages).map(({ row }) => row)
        posting.toOwnDevices(tx, { kind: 'deleteForMe', conversationId, messages: refs })
      }
    })
    for (const { row, messageId } of rows) removed({ conversationId, authorId: row.authorId, messageId })
    changes.conversation(conversationId)
    wake()
  }

  react({ reaction: choice, ...ref }: CallInput<'message.react'>): void {
    const message = this.#found(ref)
    this.#writable(message.conversationId)
    const reaction = choice && outgoingReaction(choice)
    const body: Body = { kind: 'reaction', message, reaction }
    this.#change(message, { kind: 'reaction', reaction }, 'reaction', body)
  }

  acknowledge(ref: CallInput<'message.acknowledge'>): void {
    const message = this.#found(ref)
    this.#writable(message.conversationId)
    const state = stateOf(this.#parts.vault.sql, message)
    // Once is enough, and its time stays.
    if (state?.acknowledgements.has(this.#parts.self.accountId) === true) return
    const body: Body = { kind: 'acknowledgement', message }
    this.#change(message, { kind: 'acknowledgement' }, 'acknowledgement', body)
  }

  #change(message: MessageRow, change: BareChange, kind: JobKind, body: Body): void {
    const { vault, posting, self, clock, changes, wake } = this.#parts
    const messageId = copyBytes(randomBytes(16))
    const sentAt = this.#timeOf(message, change, clock.now())
    vault.transaction((tx) => {
      const stamped: MessageChange = { ...change, from: self.accountId, sentAt, changeId: messageId }
      const refused = changeMessage(tx, message, stamped)
      if (refused !== null) throw new CodedError(refused)
      posting.toAccount(tx, message.conversationId, {
        kind,
        body,
        messageId,
        sentAt,
        refersTo: message.messageId,
      })
    })
    changes.messages([message.position], [message.conversationId])
    wake()
  }

  /** After what it replaces, whatever this clock says: otherwise the other side would keep the older one. */
  #timeOf(message: MessageRow, change: BareChange, now: number): number {
    const state = stateOf(this.#parts.vault.sql, message)
    const newest =
      change.kind === 'reaction'
        ? state?.reactions.get(this.#parts.self.accountId)?.sentAt
        : change.kind === 'edit'
          ? state?.versions[0]?.sentAt
          : undefined
    return newest === undefined ? now : Math.max(now, newest + 1)
  }

  #insertOutgoing(tx: Tx, conversation: ConversationRow, messageId: Bytes, text: MessageText): number | null {
    const { clock, self, conversations } = this.#parts
    const { conversationId } = conversation
    const now = clock.now()
    touchConversation(tx, conversationId, now)
    const asked = text.acknowledgementRequest
    const position = insertMessage(tx, {
      conversationId,
      messageId,
      authorId: self.accountId,
      authorDevice: self.deviceId,
      own: true,
      kind: 'text',
      text: text.text,
      raw: null,
      sentAt: now,
      receivedAt: now,
      delivery: 'queued',
      body: storedText(messageId, now, text),
      timerSeconds: text.timerSeconds,
      acknowledgeBy: asked && (asked.deadline ?? 0),
    })
    if (position === null) return null
    conversations.acceptInPassing(tx, conversation)
    // Whoever answers has read what came before.
    conversations.tellRead(tx, conversationId, markRead(tx, conversationId, position, now))
    writeDraft(tx, conversationId, '')
    startTimer(tx, position, now)
    this.#post(tx, { conversationId, messageId, sentAt: now, position }, text)
    return position
  }

  #post(
    tx: Tx,
    message: Pick<MessageRow, 'conversationId' | 'messageId' | 'sentAt' | 'position'>,
    text: MessageText,
  ): void {
    const { conversationId, messageId, sentAt, position } = message
    const body: Body = { ...text, kind: 'text' }
    this.#parts.posting.toAccount(tx, conversationId, { kind: 'message', body, messageId, sentAt, position })
  }

  /** A quote carries what its author sees: the other side may not have that message. */
  #quoted(ref: ViewRef): Quote {
    const message = this.#found(ref)
    return { message, excerpt: excerptOf(message.text) }
  }

  #writable(conversationId: string): ConversationRow {
    const conversation = this.#parts.conversations.known(conversationId)
    if (conversation.blocked) throw new CodedError('conversation.blocked')
    return conversation
  }

  #own(messageId: string): MessageRow {
    const message = findOwnMessage(this.#parts.vault.sql, idOf(messageId))
    if (message === null) throw new CodedError('message.notFound')
    return message
  }

  #found({ authorId, messageId }: ViewRef): MessageRow {
    const message = findMessage(this.#parts.vault.sql, authorId, idOf(messageId))
    if (message === null) throw new CodedError('message.notFound')
    return message
  }
}

type BareChange = Without<MessageChange, 'from' | 'sentAt' | 'changeId'>
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function idOf(messageId: string): Bytes {
  const bytes = fromHex(messageId)
  if (bytes === null || bytes.length !== 16) throw new CodedError('message.notFound')
  return bytes
}
