import { copyBytes } from '../../../base/bytes.ts'
import { isStale, ownAct, usedAct } from '../credentialActs.ts'
import type { Credential, CredentialStore, SecondFactorState } from '../credentialStore.ts'
import type { Database } from './database.ts'
import { lockAccount } from './pgAccess.ts'
import { actWriter } from './pgActs.ts'
import { statement } from './statement.ts'

interface CredentialRow {
  readonly id: Uint8Array
  readonly accountId: string
  readonly publicKey: Uint8Array
  readonly counter: number
  readonly createdAt: number
}

const columns = `c.id, a.account_id AS "accountId", c.public_key AS "publicKey", c.counter, c.created_at AS "createdAt"`
const from = 'FROM credentials c JOIN accounts a ON a.id = c.account'

const setLink = statement(
  `INSERT INTO credential_links (account, link_hash, expires_at) VALUES ($1, $2, $3)
   ON CONFLICT (account) DO UPDATE SET link_hash = excluded.link_hash, expires_at = excluded.expires_at`,
)
const linkOf = statement<{ readonly accountId: string }>(
  `SELECT a.account_id AS "accountId" FROM credential_links l JOIN accounts a ON a.id = l.account
   WHERE l.link_hash = $1 AND l.expires_at > $2`,
)
const dropLink = statement<{ readonly account: number }>(
  'DELETE FROM credential_links WHERE account = $1 RETURNING account',
)
const insert = statement<{ readonly account: number }>(
  `INSERT INTO credentials (id, account, public_key, counter, created_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT DO NOTHING RETURNING account`,
)
const byId = statement<CredentialRow>(`SELECT ${columns} ${from} WHERE c.id = $1`)
const byAccount = statement<CredentialRow>(
  `SELECT ${columns} ${from} WHERE a.account_id = $1 ORDER BY c.created_at, c.id`,
)
const setCounter = statement('UPDATE credentials SET counter = $1 WHERE id = $2')
const setStep = statement(
  `INSERT INTO step_ups (account, at) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET at = excluded.at`,
)
const dropAll = statement<{ readonly id: Uint8Array }>(
  'DELETE FROM credentials WHERE account = $1 RETURNING id',
)
const dropStep = statement('DELETE FROM step_ups WHERE account = $1')
const state = statement<SecondFactorState>(
  `SELECT s.at FROM accounts a LEFT JOIN step_ups s ON s.account = a.id
   WHERE a.account_id = $1 AND EXISTS (SELECT 1 FROM credentials WHERE account = a.id)`,
)

export function pgCredentials(db: Database): CredentialStore {
  return {
    link: async ({ accountId, linkHash, expiresAt }, context) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockAccount, accountId)
        if (account === undefined) return false
        tx.send(setLink, account.id, linkHash, expiresAt)
        ;(await actWriter(tx)).write({ type: 'factor.linked', account: accountId }, context)
        return true
      }),
    linked: async (linkHash, now) => (await db.rows(linkOf, linkHash, now))[0]?.accountId ?? null,
    register: async (linkHash, { id, publicKey, counter }, now) =>
      db.atomically(async (tx) => {
        const [found] = await tx.rows(linkOf, linkHash, now)
        const [account] = found === undefined ? [] : await tx.rows(lockAccount, found.accountId)
        // Again under the lock: another process may have used or replaced it meanwhile.
        const [still] = await tx.rows(linkOf, linkHash, now)
        if (found === undefined || account === undefined || still === undefined) return 'unknown'
        const added = await tx.rows(insert, id, account.id, publicKey, counter, now)
        if (added.length === 0) return 'taken'
        await tx.rows(dropLink, account.id)
        ;(await actWriter(tx)).write(...ownAct(found.accountId, { type: 'factor.registered' }, now))
        return 'registered'
      }),
    find: async (id) => (await db.rows(byId, id)).map(credentialOf)[0] ?? null,
    list: async (accountId) => (await db.rows(byAccount, accountId)).map(credentialOf),
    use: async ({ id, counter, purpose }, now) =>
      db.atomically(async (tx) => {
        const [before] = await tx.rows(byId, id)
        const [account] = before === undefined ? [] : await tx.rows(lockAccount, before.accountId)
        const [row] = await tx.rows(byId, id)
        if (row === undefined || account === undefined) return 'unknown'
        if (isStale(counter, row.counter)) {
          const refused = { type: 'factor.refused', detail: 'counter' } as const
          ;(await actWriter(tx)).write(...ownAct(row.accountId, refused, now))
          return 'stale'
        }
        tx.send(setCounter, counter, id)
        if (purpose === 'stepUp') tx.send(setStep, account.id, now)
        ;(await actWriter(tx)).write(...ownAct(row.accountId, usedAct(purpose), now))
        return 'used'
      }),
    remove: async (accountId, context) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockAccount, accountId)
        if (account === undefined) return 0
        const links = await tx.rows(dropLink, account.id)
        tx.send(dropStep, account.id)
        const { length } = await tx.rows(dropAll, account.id)
        const event = { type: 'factor.removed', account: accountId, detail: length } as const
        if (length + links.length > 0) (await actWriter(tx)).write(event, context)
        return length
      }),
    shown: async (accountId) => (await db.rows(state, accountId))[0] ?? null,
  }
}

function credentialOf({ id, publicKey, ...row }: CredentialRow): Credential {
  return { ...row, id: copyBytes(id), publicKey: copyBytes(publicKey) }
}
