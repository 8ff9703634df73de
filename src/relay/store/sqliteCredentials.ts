import { copyBytes } from '../../base/bytes.ts'
import { uuidBytes, uuidText } from './accountRows.ts'
import { clockSlackMs, isStale, ownAct, usedAct } from './credentialActs.ts'
import type { Credential, CredentialStore, StepUpRequest } from './credentialStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

interface CredentialRow {
  readonly id: Uint8Array
  readonly account: Uint8Array
  readonly publicKey: Uint8Array
  readonly counter: number
  readonly createdAt: number
}

type StepUpRow = Omit<StepUpRequest, 'accountId'> & { readonly account: Uint8Array }

const columns =
  'c.id, a.account_id AS account, c.public_key AS publicKey, c.counter, c.created_at AS createdAt'
const from = 'FROM credentials c JOIN accounts a ON a.id = c.account'

export function sqliteCredentials(db: SqliteDatabase, write: ActWriter): CredentialStore {
  const setLink = db.prepare<[Uint8Array, number, Uint8Array]>(
    `INSERT INTO credential_links (account, link_hash, expires_at) SELECT id, ?, ? FROM accounts WHERE account_id = ?
     ON CONFLICT (account) DO UPDATE SET link_hash = excluded.link_hash, expires_at = excluded.expires_at`,
  )
  const linkOf = db.prepare<[Uint8Array, number], { readonly account: Uint8Array; readonly id: number }>(
    `SELECT a.account_id AS account, a.id FROM credential_links l JOIN accounts a ON a.id = l.account
     WHERE l.link_hash = ? AND l.expires_at > ?`,
  )
  const dropLink = db.prepare<[number]>('DELETE FROM credential_links WHERE account = ?')
  const insert = db.prepare<[Uint8Array, number, Uint8Array, number, number]>(
    'INSERT OR IGNORE INTO credentials (id, account, public_key, counter, created_at) VALUES (?, ?, ?, ?, ?)',
  )
  const byId = db.prepare<[Uint8Array], CredentialRow>(`SELECT ${columns} ${from} WHERE c.id = ?`)
  const byAccount = db.prepare<[Uint8Array], CredentialRow>(
    `SELECT ${columns} ${from} WHERE a.account_id = ? ORDER BY c.created_at, c.id`,
  )
  const setCounter = db.prepare<[number, Uint8Array]>('UPDATE credentials SET counter = ? WHERE id = ?')
  const ask = db.prepare<[Uint8Array, number, string, number, number, Uint8Array, number]>(
    `INSERT INTO step_ups (id, account, device_id, budget, asked_at, ends_at)
     SELECT ?, a.id, ?, ?, ?, ? FROM accounts a
     WHERE a.account_id = ? AND EXISTS (SELECT 1 FROM credentials WHERE account = a.id)
     ON CONFLICT (account, device_id, budget) DO UPDATE
       SET id = excluded.id, asked_at = excluded.asked_at, confirmed_at = NULL, ends_at = excluded.ends_at
       WHERE coalesce(confirmed_at, asked_at) > excluded.asked_at + ${clockSlackMs}
         OR ends_at <= excluded.asked_at + CASE WHEN confirmed_at IS NULL THEN ? ELSE 0 END`,
  )
  const asking = db.prepare<[Uint8Array, number, string], { readonly id: Uint8Array }>(
    `SELECT s.id FROM step_ups s JOIN accounts a ON a.id = s.account
     WHERE a.account_id = ? AND s.device_id = ? AND s.budget = ? AND s.confirmed_at IS NULL`,
  )
  const asked = db.prepare<[Uint8Array, number, number], StepUpRow>(
    `SELECT s.id, a.account_id AS account, s.device_id AS deviceId, s.budget, s.ends_at AS endsAt
     FROM step_ups s JOIN accounts a ON a.id = s.account
     WHERE s.id = ? AND s.confirmed_at IS NULL AND s.asked_at <= ? + ${clockSlackMs} AND s.ends_at > ?`,
  )
  const confirm = db.prepare<[number, number, Uint8Array]>(
    'UPDATE step_ups SET confirmed_at = ?, ends_at = ? WHERE id = ?',
  )
  const forgetSteps = db.prepare<[number]>('DELETE FROM step_ups WHERE ends_at <= ?')
  const known = db.prepare<[Uint8Array], { readonly id: number }>(
    'SELECT id FROM accounts WHERE account_id = ?',
  )
  const dropAll = db.prepare<[number]>('DELETE FROM credentials WHERE account = ?')
  const dropStep = db.prepare<[number]>('DELETE FROM step_ups WHERE account = ?')
  const state = db.prepare<[number, string, number, number, Uint8Array], { readonly open: 0 | 1 }>(
    `SELECT EXISTS (
       SELECT 1 FROM step_ups s WHERE s.account = a.id AND s.device_id = ? AND s.budget = ?
         AND s.confirmed_at <= ? + ${clockSlackMs} AND s.ends_at > ?
     ) AS open FROM accounts a
     WHERE a.account_id = ? AND EXISTS (SELECT 1 FROM credentials WHERE account = a.id)`,
  )
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  return {
    link: async ({ accountId, linkHash, expiresAt }, context) =>
      inTransaction(() => {
        if (setLink.run(linkHash, expiresAt, uuidBytes(accountId)).changes === 0) return false
        write({ type: 'factor.linked', account: accountId }, context)
        return true
      }),
    linked: async (linkHash, now) =>
      orUnavailable(() => {
        const row = linkOf.get(linkHash, now)
        return row === undefined ? null : uuidText(row.account)
      }),
    register: async (linkHash, { id, publicKey, counter }, now) =>
      inTransaction(() => {
        const row = linkOf.get(linkHash, now)
        if (row === undefined) return 'unknown'
        if (insert.run(id, row.id, publicKey, counter, now).changes === 0) return 'taken'
        dropLink.run(row.id)
        write(...ownAct(uuidText(row.account), { type: 'factor.registered' }, now))
        return 'registered'
      }),
    find: async (id) =>
      orUnavailable(() => {
        const row = byId.get(id)
        return row === undefined ? null : credentialOf(row)
      }),
    list: async (accountId) => orUnavailable(() => byAccount.all(uuidBytes(accountId)).map(credentialOf)),
    use: async (use, now) =>
      inTransaction(() => {
        const { id, counter } = use
        const row = byId.get(id)
        if (row === undefined) return 'unknown'
        const accountId = uuidText(row.account)
        const opened = use.purpose === 'signIn' ? null : asked.get(use.stepUp, now, now)
        if (opened === undefined || (opened !== null && uuidText(opened.account) !== accountId))
          return 'unknown'
        if (isStale(counter, row.counter)) {
          write(...ownAct(accountId, { type: 'factor.refused', detail: 'counter' }, now))
          return 'stale'
        }
        setCounter.run(counter, id)
        if (use.purpose === 'stepUp') confirm.run(now, use.until, use.stepUp)
        write(...ownAct(accountId, usedAct(opened), now))
        return 'used'
      }),
    remove: async (accountId, context) =>
      inTransaction(() => {
        const account = known.get(uuidBytes(accountId))
        if (account === undefined) return 0
        const links = dropLink.run(account.id).changes
        dropStep.run(account.id)
        const { changes } = dropAll.run(account.id)
        if (changes + links > 0)
          write({ type: 'factor.removed', account: accountId, detail: changes }, context)
        return changes
      }),
    stepUp: async ({ accountId, deviceId, budget }, now) =>
      orUnavailable(() => {
        const row = state.get(deviceId, budget, now, now, uuidBytes(accountId))
        if (row === undefined) return 'none'
        return row.open === 1 ? 'open' : 'shut'
      }),
    askStepUp: async ({ id, accountId, deviceId, budget, endsAt }, leftMs, now) =>
      inTransaction(() => {
        const account = uuidBytes(accountId)
        ask.run(id, deviceId, budget, now, endsAt, account, leftMs)
        const row = asking.get(account, deviceId, budget)
        return row === undefined ? null : copyBytes(row.id)
      }),
    askedStepUp: async (id, now) =>
      orUnavailable(() => {
        const row = asked.get(id, now, now)
        if (row === undefined) return null
        const { account, ...request } = row
        return { ...request, id: copyBytes(row.id), accountId: uuidText(account) }
      }),
    forgetStepUps: async (now) => {
      orUnavailable(() => forgetSteps.run(now))
    },
  }
}

function credentialOf({ id, account, publicKey, counter, createdAt }: CredentialRow): Credential {
  return {
    id: copyBytes(id),
    accountId: uuidText(account),
    publicKey: copyBytes(publicKey),
    counter,
    createdAt,
  }
}
