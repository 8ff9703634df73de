import type { Bytes } from '../../base/bytes.ts'
import type { Tx } from '../vault.ts'
import { ensureConversation, type ConversationSettings } from './conversations.ts'

/** Null or absent: stays as it was. */
export type SettingsPatch = { readonly [K in keyof ConversationSettings]?: ConversationSettings[K] | null }

const columns = {
  accepted: 'accepted',
  blocked: 'blocked',
  mutedUntil: 'muted_until',
  pinned: 'pinned',
  archived: 'archived',
} as const satisfies Record<keyof ConversationSettings, string>
const names = Object.keys(columns) as (keyof ConversationSettings)[]

/**
 * A change made on this device. It stands above all that it replaces, whatever the clock says. Answers the time that
 * the account's other devices are told with it, ms.
 */
export function changeSettings(
  tx: Tx,
  conversationId: string,
  patch: SettingsPatch,
  stamp: { readonly now: number; readonly changeId: Bytes },
): number {
  const latest = names
    .filter((name) => isGiven(patch, name))
    .map((name) => changedAtOf(tx, conversationId, name))
  const changedAt = Math.max(stamp.now, ...latest.map((at) => at + 1))
  takeSettings(tx, conversationId, patch, { changedAt, changeId: stamp.changeId })
  return changedAt
}

/** A change made on another device of the account. Of each setting the newest stands; true when one does. */
export function takeSettings(
  tx: Tx,
  conversationId: string,
  patch: SettingsPatch,
  stamp: { readonly changedAt: number; readonly changeId: Bytes },
): boolean {
  ensureConversation(tx, conversationId)
  let taken = false
  for (const name of names) {
    const value = patch[name]
    if (value === null || value === undefined || !isNewest(tx, conversationId, name, stamp)) continue
    tx.run(`UPDATE conversation SET ${columns[name]} = ? WHERE conversation_id = ?`, [
      Number(value),
      conversationId,
    ])
    taken = true
  }
  return taken
}

function isNewest(
  tx: Tx,
  conversationId: string,
  name: keyof ConversationSettings,
  stamp: { readonly changedAt: number; readonly changeId: Bytes },
): boolean {
  const { changes } = tx.run(
    `INSERT INTO conversation_setting (conversation_id, name, changed_at, change_id) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET changed_at = excluded.changed_at, change_id = excluded.change_id
       WHERE (changed_at, change_id) < (excluded.changed_at, excluded.change_id)`,
    [conversationId, name, stamp.changedAt, stamp.changeId],
  )
  return changes === 1
}

function changedAtOf(tx: Tx, conversationId: string, name: keyof ConversationSettings): number {
  return (
    tx.get<{ at: number }>(
      'SELECT changed_at AS at FROM conversation_setting WHERE conversation_id = ? AND name = ?',
      [conversationId, name],
    )?.at ?? -1
  )
}

function isGiven(patch: SettingsPatch, name: keyof ConversationSettings): boolean {
  return patch[name] !== null && patch[name] !== undefined
}
