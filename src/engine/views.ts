import { toHex } from '../base/bytes.ts'
import { errorReportSchema, type ConversationView, type MessageView, type Person } from '../contract/index.ts'
import type { Sql } from '../storage/binding.ts'
import {
  readConversation,
  readConversations,
  type ConversationRow,
} from '../storage/repositories/conversations.ts'
import { newestMessage, readMessage, readPage, type MessageRow } from '../storage/repositories/messages.ts'
import { readPerson } from '../storage/repositories/people.ts'

/** What the renderer is shown, read from the vault. */
export function conversationViews(sql: Sql): ConversationView[] {
  return readConversations(sql).map((row) => conversationOf(sql, row))
}

export function conversationView(sql: Sql, conversationId: string): ConversationView | null {
  const row = readConversation(sql, conversationId)
  return row && conversationOf(sql, row)
}

export function messageView(sql: Sql, position: number): MessageView | null {
  const row = readMessage(sql, position)
  return row && messageOf(row)
}

export function messagePage(
  sql: Sql,
  conversationId: string,
  before: number | null,
  limit: number,
): { messages: MessageView[]; more: boolean } {
  const rows = readPage(sql, conversationId, before, limit + 1)
  const more = rows.length > limit
  return { messages: rows.slice(more ? 1 : 0).map(messageOf), more }
}

/** A person as last seen in the directory; someone who wrote before they were looked up has no name yet. */
export function personView(sql: Sql, accountId: string): Person {
  return (
    readPerson(sql, accountId) ?? { accountId, displayName: '', title: '', service: '', organisation: '' }
  )
}

function conversationOf(sql: Sql, row: ConversationRow): ConversationView {
  const newest = newestMessage(sql, row.conversationId)
  return {
    conversationId: row.conversationId,
    person: personView(sql, row.conversationId),
    preview: newest && { text: previewText(newest.text), own: newest.own, delivery: newest.delivery },
    activeAt: row.activeAt,
    unread: row.unread,
    firstUnread: row.firstUnread,
    draft: row.draft,
    queued: row.queued,
    held: row.held,
  }
}

/** One line of the list holds no more. */
function previewText(text: string): string {
  return Array.from(text.slice(0, 240)).slice(0, 120).join('')
}

function messageOf(row: MessageRow): MessageView {
  const error = row.error === null ? null : errorReportSchema.parse(JSON.parse(row.error))
  return {
    messageId: toHex(row.messageId),
    conversationId: row.conversationId,
    position: row.position,
    authorId: row.authorId,
    own: row.own,
    kind: row.kind,
    text: row.text,
    sentAt: row.sentAt,
    delivery: row.delivery,
    error,
  }
}
