import { systemClock } from '../../base/clock.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { uuidText } from './accountRows.ts'
import type { Change, ChangeStore } from './peopleStore.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

interface ChangeRow {
  readonly id: number
  readonly kind: Change['kind']
  readonly account_id: Uint8Array | null
  readonly device: number | null
  readonly revision: number | null
}

/** Within the caller's transaction, as the following: connections of this device have to end. */
export function noteEnded(db: SqliteDatabase, device: number): void {
  db.prepare("INSERT INTO changes (at, kind, device) VALUES (?, 'deviceEnded', ?)").run(written(), device)
}

/** `account` is the store's number. */
export function noteAccount(
  db: SqliteDatabase,
  account: number,
  kind: 'devicesChanged' | 'accountDisabled',
  revision: number | null = null,
): void {
  db.prepare(
    'INSERT INTO changes (at, kind, account_id, revision) SELECT ?, ?, account_id, ? FROM accounts WHERE id = ?',
  ).run(written(), kind, revision, account)
}

/** For pruning alone: the store's own clock, which need not agree with that of any relay. */
function written(): number {
  return systemClock.now()
}

export function sqliteChanges(db: SqliteDatabase): ChangeStore {
  const newest = db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM changes')
  const after = db.prepare<[number, number], ChangeRow>(
    'SELECT id, kind, account_id, device, revision FROM changes WHERE id > ? ORDER BY id LIMIT ?',
  )
  const prune = db.prepare('DELETE FROM changes WHERE at < ? AND id < (SELECT max(id) FROM changes)')
  const blank = db.prepare('UPDATE changes SET account_id = NULL WHERE at < ? AND account_id IS NOT NULL')
  return {
    newest: async () => orUnavailable(() => newest.get()?.id ?? 0),
    after: async (id, limit) => orUnavailable(() => after.all(id, limit).map(changeOf)),
    prune: async (keptMs) => {
      orUnavailable(() => {
        const before = written() - keptMs
        prune.run(before)
        blank.run(before)
      })
    },
  }
}

function changeOf({ id, kind, account_id: account, device, revision }: ChangeRow): Change {
  switch (kind) {
    case 'deviceEnded':
      return { id, kind, device: device ?? 0 }
    case 'devicesChanged':
      return { id, kind, accountId: idOf(account), revision: revision ?? 0 }
    case 'accountDisabled':
      return { id, kind, accountId: idOf(account) }
    default:
      return exhausted(kind)
  }
}

/** Forgotten after a day, when every relay has heard of it: then it names nobody. */
function idOf(account: Uint8Array | null): string {
  return account === null ? '' : uuidText(account)
}
