import { withinBounds } from '../accounts/organisation.ts'
import type { AccountRole } from '../accounts/standing.ts'
import { accountColumns, entryOf, uuidBytes, uuidText, type AccountRow } from './accountRows.ts'
import type { PeopleStore, PersonRecord } from './peopleStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import { applyActs } from './sqlitePeopleActs.ts'

interface PersonRow extends AccountRow {
  readonly role: AccountRole
  readonly hidden: number
  readonly disabled_at: number | null
  readonly expires_at: number | null
  readonly enrolled_at: number | null
  readonly email: string | null
  readonly identifier: string | null
  readonly devices: number
}

const personColumns = `${accountColumns}, role, hidden, disabled_at, expires_at, enrolled_at, email, identifier,
  (SELECT count(*) FROM devices WHERE devices.account = accounts.id) AS devices`

export function sqlitePeople(db: SqliteDatabase, writeAct: ActWriter): PeopleStore {
  const byId = db.prepare<[Uint8Array], PersonRow>(
    `SELECT ${personColumns} FROM accounts WHERE account_id = ?`,
  )
  const page = db.prepare<[Uint8Array, string | null, string | null, string, string, number], PersonRow>(
    `SELECT ${personColumns} FROM accounts WHERE account_id > ?
       AND (? IS NULL OR organisation = ? OR (organisation >= ? AND organisation < ?))
     ORDER BY account_id LIMIT ?`,
  )
  const expired = db.prepare<[number], { account_id: Uint8Array }>(
    'SELECT account_id FROM accounts WHERE expires_at <= ? AND disabled_at IS NULL',
  )
  const domains = db.prepare<[], { domain: string }>('SELECT domain FROM email_domains ORDER BY domain')
  return {
    find: async (accountId) => {
      const row = orUnavailable(() => byId.get(uuidBytes(accountId)))
      return row === undefined ? null : personOf(row)
    },
    page: async (after, limit, within) => {
      const from = after === null ? new Uint8Array(0) : uuidBytes(after)
      const bounds = withinBounds(within ?? '')
      return orUnavailable(() => page.all(from, within, within, bounds.from, bounds.to, limit).map(personOf))
    },
    apply: async (each, context) => orUnavailable(() => applyActs(db, each, context, writeAct)),
    expired: async (now) => orUnavailable(() => expired.all(now).map((row) => uuidText(row.account_id))),
    forget: async () => orUnavailable(() => forget(db)),
    domains: async () => orUnavailable(() => domains.all().map(({ domain }) => domain)),
  }
}

function personOf(row: PersonRow): PersonRecord {
  return {
    ...entryOf(row),
    role: row.role,
    hidden: row.hidden !== 0,
    disabled: row.disabled_at !== null,
    expiresAt: row.expires_at,
    enrolledAt: row.enrolled_at,
    email: row.email,
    identifier: row.identifier,
    devices: row.devices,
  }
}

/** The index of words keeps those of a deleted row until it is rewritten, and the log what was committed before. */
function forget(db: SqliteDatabase): void {
  db.exec("INSERT INTO directory (directory) VALUES ('optimize')")
  // Not to be waited for: who reads just now, a backup perhaps, is let be until the next time.
  const waits = Number(db.pragma('busy_timeout', { simple: true }))
  db.pragma('busy_timeout = 0')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.pragma(`busy_timeout = ${waits}`)
}
