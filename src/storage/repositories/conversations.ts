import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** What the person chose for a conversation, the same on all devices of the account. */
export interface ConversationSettings {
  /** False: a request by somebody who is not a contact yet. */
  readonly accepted: boolean
  readonly blocked: boolean
  /** ms since the epoch; 0: not muted. */
  readonly mutedUntil: number
  readonly pinned: boolean
  readonly archived: boolean
}

/** A conversation with what the list shows of it, from indexed counts. */
export interface ConversationRow extends ConversationSettings {
  readonly conversationId: string
  readonly activeAt: number
  readonly draft: string
  /** Messages sent from now on disappear this long after they were read; 0: they stay. */
  readonly timerSeconds: number
  readonly timerChangedAt: number
  /** Whether the other side has been sent this account's profile key. */
  readonly profileKeySent: boolean
  readonly unread: number
  readonly firstUnread: number | null
  readonly queued: number
  readonly held: number
}

export const conversationSelect = `
  SELECT conversation_id, active_at, draft, accepted, blocked, muted_until, pinned, archived,
    timer_seconds, timer_changed_at, profile_key_sent,
    (SELECT count(*) FROM message m
      WHERE m.conversation_id = c.conversation_id AND m.own = 0 AND m.read_at IS NULL) AS unread,
    (SELECT min(m.position) FROM message m
      WHERE m.conversation_id = c.conversation_id AND m.own = 0 AND m.read_at IS NULL) AS first_unread,
    (SELECT count(*) FROM outbox o WHERE o.lane = c.conversation_id AND o.kind = 'message') AS queued,
    (SELECT count(*) FROM quarantine q
      WHERE q.account_id = c.conversation_id AND q.reason = 'identity.changed') AS held
  FROM conversation c`

/** Rows with `active_at` 0 hold settings alone. */
export const conversationList = `${conversationSelect} WHERE active_at > 0 ORDER BY active_at DESC, conversation_id`

interface Raw extends Readonly<Record<string, SqlValue>> {
  conversation_id: string
  active_at: number
  draft: string
  accepted: number
  blocked: number
  muted_until: number
  pinned: number
  archived: number
  timer_seconds: number
  timer_changed_at: number
  profile_key_sent: number
  unread: number
  first_unread: number | null
  queued: number
  held: number
}

/** Those in which something happened, the most recent first; requests and blocked ones too. */
export function readConversations(sql: Sql): ConversationRow[] {
  return sql.all<Raw>(conversationList).map(fromRaw)
}

export function readConversation(sql: Sql, conversationId: string): ConversationRow | null {
  const raw = sql.get<Raw>(`${conversationSelect} WHERE conversation_id = ?`, [conversationId])
  return raw && fromRaw(raw)
}

/** How somebody stands, without the counts of the list: those grow with what is unread, and this is asked at each message. */
export function readStanding(
  sql: Sql,
  conversationId: string,
): Pick<ConversationRow, 'accepted' | 'blocked'> | null {
  const raw = sql.get<Pick<Raw, 'accepted' | 'blocked'>>(
    'SELECT accepted, blocked FROM conversation WHERE conversation_id = ?',
    [conversationId],
  )
  return raw && { accepted: raw.accepted === 1, blocked: raw.blocked === 1 }
}

/**
 * Makes the conversation, as a request, when it does not exist; an existing one only becomes more recent.
 * `activeAt`: ms since the epoch, above 0.
 */
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

export interface TimerChange {
  /** 0: messages stay. */
  readonly seconds: number
  readonly changedAt: number
  /** Of the content that said so: settles which of two changes of one moment stands. */
  readonly changeId: Bytes
}

/** The newest change of the timer stands, whoever of the two made it; true when it is this one. */
export function takeTimer(tx: Tx, conversationId: string, change: TimerChange): boolean {
  const { changedAt, changeId } = change
  ensureConversation(tx, conversationId)
  const { changes } = tx.run(
    `UPDATE conversation SET timer_seconds = ?, timer_changed_at = ?, timer_change_id = ?
     WHERE conversation_id = ? AND (timer_changed_at, timer_change_id) < (?, ?)`,
    [change.seconds, changedAt, changeId, conversationId, changedAt, changeId],
  )
  return changes === 1
}

/** The other side has been sent this account's profile key. */
export function markProfileKeySent(tx: Tx, conversationId: string): void {
  tx.run('UPDATE conversation SET profile_key_sent = 1 WHERE conversation_id = ?', [conversationId])
}

/** A row that is in no list until something happens in it. */
export function ensureConversation(tx: Tx, conversationId: string): void {
  tx.run('INSERT INTO conversation (conversation_id, active_at) VALUES (?, 0) ON CONFLICT DO NOTHING', [
    conversationId,
  ])
}

function fromRaw(raw: Raw): ConversationRow {
  return {
    conversationId: raw.conversation_id,
    activeAt: raw.active_at,
    draft: raw.draft,
    accepted: raw.accepted === 1,
    blocked: raw.blocked === 1,
    mutedUntil: raw.muted_until,
    pinned: raw.pinned === 1,
    archived: raw.archived === 1,
    timerSeconds: raw.timer_seconds,
    timerChangedAt: raw.timer_changed_at,
    profileKeySent: raw.profile_key_sent === 1,
    unread: raw.unread,
    firstUnread: raw.first_unread,
    queued: raw.queued,
    held: raw.held,
  }
}
