import { copyBytes } from '../../base/bytes.ts'
import { uuidBytes, uuidText } from './accountRows.ts'
import { isStale, ownAct, usedAct } from './credentialActs.ts'
import type { Credential, CredentialStore, SecondFactorState } from './credentialStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

interface CredentialRow {
  readonly id: Uint8Array
  readonly account: Uint8Array
  readonly publicKey: Uint8Array
  readonly counter: number
  readonly createdAt: number
}

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
  const setStep = db.prepare<[number, Uint8Array]>(
    `INSERT INTO step_ups (at, account) SELECT ?, id FROM accounts WHERE account_id = ?
     ON CONFLICT (account) DO UPDATE SET at = excluded.at`,
  )
  const known = db.prepare<[Uint8Array], { readonly id: number }>(
    'SELECT id FROM accounts WHERE account_id = ?',
  )
  const dropAll = db.prepare<[number]>('DELETE FROM credentials WHERE account = ?')
  const dropStep = db.prepare<[number]>('DELETE FROM step_ups WHERE account = ?')
  const state = db.prepare<[Uint8Array], SecondFactorState>(
    `SELECT s.at FROM accounts a LEFT JOIN step_ups s ON s.account = a.id
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
    use: async ({ id, counter, purpose }, now) =>
      inTransaction(() => {
        const row = byId.get(id)
        if (row === undefined) return 'unknown'
        const accountId = uuidText(row.account)
        if (isStale(counter, row.counter)) {
          write(...ownAct(accountId, { type: 'factor.refused', detail: 'counter' }, now))
          return 'stale'
        }
        setCounter.run(counter, id)
        if (purpose === 'stepUp') setStep.run(now, row.account)
        write(...ownAct(accountId, usedAct(purpose), now))
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
    shown: async (accountId) => orUnavailable(() => state.get(uuidBytes(accountId)) ?? null),
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
