import { withinBounds } from '../../accounts/organisation.ts'
import type { AccountRole } from '../../accounts/standing.ts'
import type { PeopleStore, PersonRecord } from '../peopleStore.ts'
import { accountColumns, entryOf, type AccountRow } from './pgAccess.ts'
import type { Database } from './database.ts'
import { applyActs } from './pgPeopleActs.ts'
import { statement } from './statement.ts'

interface PersonRow extends AccountRow {
  readonly role: AccountRole
  readonly hidden: boolean
  readonly disabled: boolean
  readonly expires_at: number | null
  readonly enrolled_at: number | null
  readonly email: string | null
  readonly identifier: string | null
  readonly devices: number
}

const columns = `${accountColumns}, role, hidden, disabled_at IS NOT NULL AS disabled, expires_at, enrolled_at, email,
  identifier, (SELECT count(*) FROM devices WHERE devices.account = accounts.id) AS devices`
const byId = statement<PersonRow>(`SELECT ${columns} FROM accounts WHERE account_id = $1`)
const readPage = statement<PersonRow>(
  `SELECT ${columns} FROM accounts WHERE account_id > $1
     AND ($2::text IS NULL OR organisation = $2 OR (organisation >= $3 AND organisation < $4))
   ORDER BY account_id LIMIT $5`,
)
const readExpired = statement<{ readonly account_id: string }>(
  'SELECT account_id FROM accounts WHERE expires_at <= $1 AND disabled_at IS NULL',
)
const readDomains = statement<{ readonly domain: string }>('SELECT domain FROM email_domains ORDER BY domain')

/** Before every account's id. */
const nobody = '00000000-0000-0000-0000-000000000000'
const tablesOfAccounts = [
  'accounts',
  'words',
  'invitations',
  'devices',
  'device_keys',
  'one_time_pre_keys',
  'one_time_kyber_pre_keys',
]

export function pgPeople(db: Database): PeopleStore {
  return {
    find: async (accountId) => {
      const [row] = await db.rows(byId, accountId)
      return row === undefined ? null : personOf(row)
    },
    page: async (after, limit, within) => {
      const { from, to } = withinBounds(within ?? '')
      return (await db.rows(readPage, after ?? nobody, within, from, to, limit)).map(personOf)
    },
    apply: async (acts, context) => applyActs(db, acts, context),
    expired: async (now) => (await db.rows(readExpired, now)).map((row) => row.account_id),
    // The rows' places become free: PostgreSQL overwrites them when it needs them, and not before (docs/relay-data.md).
    forget: async () => db.maintain(`VACUUM (SKIP_LOCKED) ${tablesOfAccounts.join(', ')}`),
    domains: async () => (await db.rows(readDomains)).map(({ domain }) => domain),
  }
}

function personOf(row: PersonRow): PersonRecord {
  return {
    ...entryOf(row),
    role: row.role,
    hidden: row.hidden,
    disabled: row.disabled,
    expiresAt: row.expires_at,
    enrolledAt: row.enrolled_at,
    email: row.email,
    identifier: row.identifier,
    devices: row.devices,
  }
}
