import { toHex } from '../../base/bytes.ts'
import type { Reaction } from '../../content/reactions.ts'
import { shownReactions, type MessageState, type Version } from '../../content/rules/messageState.ts'
import type { FormatRange, Mention as ContentMention, MessageText } from '../../content/text.ts'
import {
  errorReportSchema,
  systemNoteSchema,
  type Format,
  type Mention,
  type MessageVersion,
  type MessageView,
  type ReactionChoice,
} from '../../contract/index.ts'
import type { Sql } from '../../storage/binding.ts'
import { findMessage, type MessageRow } from '../../storage/repositories/messages.ts'
import { stateOf, textOf } from '../receiving/messageChanges.ts'

/** A message as the window shows it. */
export function viewOf(sql: Sql, row: MessageRow): MessageView {
  const text = row.kind === 'text' && row.deletedAt === null ? textOf(row) : null
  const state = stateOf(sql, row, text ?? undefined)
  return {
    messageId: toHex(row.messageId),
    conversationId: row.conversationId,
    position: row.position,
    authorId: row.authorId,
    own: row.own,
    kind: row.kind,
    text: row.text,
    formats: formatsOf(text),
    mentions: mentionsOf(text),
    quote: quoteOf(sql, text),
    sentAt: row.sentAt,
    editedAt: row.editedAt,
    deleted: row.deletedAt !== null,
    reactions: state === null ? [] : reactionsOf(shownReactions(state)),
    acknowledgement: acknowledgementOf(row, state),
    expiresAt: row.expiresAt,
    timerSeconds: row.timerSeconds,
    note: row.system === null ? null : systemNoteSchema.parse(JSON.parse(row.system)),
    delivery: row.delivery,
    error: row.error === null ? null : errorReportSchema.parse(JSON.parse(row.error)),
  }
}

export function versionView(version: Version): MessageVersion {
  const { sentAt, text } = version
  return { sentAt, text: text.text, formats: formatsOf(text), mentions: mentionsOf(text) }
}

/** What the window chose, as content has it; both name accounts alike. */
export function mentionOf({ start, length, accountId }: Mention): ContentMention {
  return { start, length, accountId }
}

/** A style of a newer version is kept and not shown. */
function formatsOf(text: MessageText | null): Format[] {
  return (text?.formats ?? []).flatMap(({ start, length, style }: FormatRange) =>
    typeof style === 'string' ? [{ start, length, style }] : [],
  )
}

function mentionsOf(text: MessageText | null): Mention[] {
  return (text?.mentions ?? []).map(({ start, length, accountId }) => ({ start, length, accountId }))
}

/** Nothing is left of a message that was taken back, not even in who quoted it. */
function quoteOf(sql: Sql, text: MessageText | null): MessageView['quote'] {
  const quote = text?.quote ?? null
  if (quote === null) return null
  const { authorId, messageId } = quote.message
  const gone = (findMessage(sql, authorId, messageId)?.deletedAt ?? null) !== null
  return { authorId, messageId: toHex(messageId), excerpt: gone ? '' : quote.excerpt }
}

/** Null unless it was asked for, or given all the same. */
function acknowledgementOf(
  { acknowledgeBy }: MessageRow,
  state: MessageState | null,
): MessageView['acknowledgement'] {
  const by = [...(state?.acknowledgements ?? [])].map(([personId, at]) => ({ personId, at }))
  if (acknowledgeBy === null && by.length === 0) return null
  return { deadline: acknowledgeBy === 0 ? null : acknowledgeBy, by }
}

function reactionsOf(shown: ReadonlyMap<string, Reaction>): MessageView['reactions'] {
  return [...shown].flatMap(([personId, reaction]) => {
    const choice = choiceOf(reaction)
    return choice === null ? [] : [{ personId, reaction: choice }]
  })
}

function choiceOf(reaction: Reaction): ReactionChoice | null {
  switch (reaction.kind) {
    case 'service':
      return { kind: 'service', reaction: reaction.reaction }
    case 'emoji':
      return { kind: 'emoji', emoji: reaction.emoji }
    case 'unknown':
      return null
  }
}
