import type { ConversationView, MessageView, Person } from '../../contract/index.ts'
import type { Sql } from '../../storage/binding.ts'
import { identityStanding } from '../conversations/identities.ts'
import { viewOf } from './messageViews.ts'
import {
  readConversation,
  readConversations,
  type ConversationRow,
} from '../../storage/repositories/conversations.ts'
import { newestMessage, readMessage, readPage } from '../../storage/repositories/messages.ts'
import { readPerson } from '../../storage/repositories/people.ts'

/** Whether the other side is writing: known for the moment only, and kept nowhere. */
export type IsTyping = (conversationId: string) => boolean

/** What the renderer is shown, read from the vault. */
export function conversationViews(sql: Sql, isTyping: IsTyping): ConversationView[] {
  return readConversations(sql).map((row) => conversationOf(sql, row, isTyping))
}

export function conversationView(
  sql: Sql,
  conversationId: string,
  isTyping: IsTyping,
): ConversationView | null {
  const row = readConversation(sql, conversationId)
  // A row that holds settings alone is in no list yet.
  return row === null || row.activeAt === 0 ? null : conversationOf(sql, row, isTyping)
}

export function messageView(sql: Sql, position: number): MessageView | null {
  const row = readMessage(sql, position)
  return row && viewOf(sql, row)
}

export function messagePage(
  sql: Sql,
  conversationId: string,
  before: number | null,
  limit: number,
): { messages: MessageView[]; more: boolean } {
  const rows = readPage(sql, conversationId, before, limit + 1)
  const more = rows.length > limit
  return { messages: rows.slice(more ? 1 : 0).map((row) => viewOf(sql, row)), more }
}

/** A person as last seen in the directory; someone who wrote before they were looked up has no name yet. */
export function personView(sql: Sql, accountId: string): Person {
  return (
    readPerson(sql, accountId) ?? { accountId, displayName: '', title: '', service: '', organisation: '' }
  )
}

function conversationOf(sql: Sql, row: ConversationRow, isTyping: IsTyping): ConversationView {
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
    standing: row.blocked ? 'blocked' : row.accepted ? 'accepted' : 'request',
    identity: identityStanding(sql, row.conversationId),
    timerSeconds: row.timerSeconds,
    mutedUntil: row.mutedUntil,
    pinned: row.pinned,
    archived: row.archived,
    typing: isTyping(row.conversationId),
  }
}

/** One line of the list holds no more. */
function previewText(text: string): string {
  return Array.from(text.slice(0, 240)).slice(0, 120).join('')
}
