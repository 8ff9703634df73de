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
  readonly settingsChangedAt: number
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
  SELECT conversation_id, active_at, draft, accepted, blocked, muted_until, pinned, archived, settings_changed_at,
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
  settings_changed_at: number
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

/** Null or absent: stays as it was. */
export type SettingsPatch = { readonly [K in keyof ConversationSettings]?: ConversationSettings[K] | null }

export interface SettingsChange {
  readonly settings: ConversationSettings
  /** ms since the epoch. */
  readonly changedAt: number
}

/**
 * A change made on this device. It stands above all it has seen, whatever the clock says. Answers all settings, for
 * the other devices: devices that always tell all of them end equal, in whatever order changes arrive.
 */
export function changeSettings(
  tx: Tx,
  conversationId: string,
  patch: SettingsPatch,
  now: number,
): SettingsChange {
  const before = settingsOf(tx, conversationId)
  const after = { settings: patched(before.settings, patch), changedAt: Math.max(now, before.changedAt + 1) }
  writeSettings(tx, conversationId, after)
  return after
}

/** A change made on another device of the account. The newest stands, of equal ones the stricter; true when it is this one. */
export function takeSettings(
  tx: Tx,
  conversationId: string,
  patch: SettingsPatch,
  changedAt: number,
): boolean {
  const before = settingsOf(tx, conversationId)
  const after = { settings: patched(before.settings, patch), changedAt }
  if (!isAbove(rankOf(after), rankOf(before))) return false
  writeSettings(tx, conversationId, after)
  return true
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

function ensureConversation(tx: Tx, conversationId: string): void {
  tx.run('INSERT INTO conversation (conversation_id, active_at) VALUES (?, 0) ON CONFLICT DO NOTHING', [
    conversationId,
  ])
}

function settingsOf(tx: Tx, conversationId: string): SettingsChange {
  ensureConversation(tx, conversationId)
  const raw = tx.get<Pick<Raw, (typeof settingColumns)[number]>>(
    `SELECT ${settingColumns.join(', ')} FROM conversation WHERE conversation_id = ?`,
    [conversationId],
  )
  if (raw === null) throw new Error('the row was made above')
  return { settings: settingsFromRaw(raw), changedAt: raw.settings_changed_at }
}

const settingColumns = [
  'accepted',
  'blocked',
  'muted_until',
  'pinned',
  'archived',
  'settings_changed_at',
] as const

function writeSettings(tx: Tx, conversationId: string, { settings, changedAt }: SettingsChange): void {
  tx.run(
    `UPDATE conversation SET accepted = ?, blocked = ?, muted_until = ?, pinned = ?, archived = ?,
       settings_changed_at = ? WHERE conversation_id = ?`,
    [
      Number(settings.accepted),
      Number(settings.blocked),
      settings.mutedUntil,
      Number(settings.pinned),
      Number(settings.archived),
      changedAt,
      conversationId,
    ],
  )
}

function patched(before: ConversationSettings, patch: SettingsPatch): ConversationSettings {
  return {
    accepted: patch.accepted ?? before.accepted,
    blocked: patch.blocked ?? before.blocked,
    mutedUntil: patch.mutedUntil ?? before.mutedUntil,
    pinned: patch.pinned ?? before.pinned,
    archived: patch.archived ?? before.archived,
  }
}

function rankOf({ settings, changedAt }: SettingsChange): number[] {
  const { accepted, blocked, mutedUntil, pinned, archived } = settings
  return [changedAt, Number(blocked), Number(!accepted), mutedUntil, Number(archived), Number(pinned)]
}

function isAbove(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index])
  return at !== -1 && (a[at] ?? 0) > (b[at] ?? 0)
}

function settingsFromRaw(raw: Pick<Raw, (typeof settingColumns)[number]>): ConversationSettings {
  return {
    accepted: raw.accepted === 1,
    blocked: raw.blocked === 1,
    mutedUntil: raw.muted_until,
    pinned: raw.pinned === 1,
    archived: raw.archived === 1,
  }
}

function fromRaw(raw: Raw): ConversationRow {
  return {
    ...settingsFromRaw(raw),
    conversationId: raw.conversation_id,
    activeAt: raw.active_at,
    draft: raw.draft,
    settingsChangedAt: raw.settings_changed_at,
    timerSeconds: raw.timer_seconds,
    timerChangedAt: raw.timer_changed_at,
    profileKeySent: raw.profile_key_sent === 1,
    unread: raw.unread,
    firstUnread: raw.first_unread,
    queued: raw.queued,
    held: raw.held,
  }
}
