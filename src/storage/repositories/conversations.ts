import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** A conversation with what the list shows of it, from indexed counts. */
export interface ConversationRow {
  readonly conversationId: string
  readonly activeAt: number
  readonly draft: string
  readonly unread: number
  readonly firstUnread: number | null
  readonly queued: number
  readonly held: number
}

const select = `
  SELECT conversation_id AS conversationId, active_at AS activeAt, draft,
    (SELECT count(*) FROM message m
      WHERE m.conversation_id = c.conversation_id AND m.own = 0 AND m.position > c.read_position) AS unread,
    (SELECT min(m.position) FROM message m
      WHERE m.conversation_id = c.conversation_id AND m.own = 0 AND m.position > c.read_position) AS firstUnread,
    (SELECT count(*) FROM outbox o WHERE o.lane = c.conversation_id AND o.kind = 'message') AS queued,
    (SELECT count(*) FROM quarantine q
      WHERE q.account_id = c.conversation_id AND q.reason = 'identity.changed') AS held
  FROM conversation c`

type Raw = { [K in keyof ConversationRow]: ConversationRow[K] & SqlValue }

export function readConversations(sql: Sql): ConversationRow[] {
  return sql.all<Raw>(`${select} ORDER BY active_at DESC, conversation_id`)
}

export function readConversation(sql: Sql, conversationId: string): ConversationRow | null {
  return sql.get<Raw>(`${select} WHERE conversation_id = ?`, [conversationId])
}

/** Makes the conversation when it does not exist; an existing one only becomes more recent. */
export function touchConversation(tx: Tx, conversationId: string, activeAt: number): void {
  tx.run(
    `INSERT INTO conversation (conversation_id, active_at) VALUES (?, ?)
     ON CONFLICT DO UPDATE SET active_at = max(active_at, excluded.active_at)`,
    [conversationId, activeAt],
  )
}

export function writeDraft(tx: Tx, conversationId: string, draft: string): void {
  tx.run('UPDATE conversation SET draft = ? WHERE conversation_id = ?', [draft, conversationId])
}

/** Read up to this position; it never goes back. */
export function markRead(tx: Tx, conversationId: string, position: number): void {
  tx.run('UPDATE conversation SET read_position = max(read_position, ?) WHERE conversation_id = ?', [
    position,
    conversationId,
  ])
}
