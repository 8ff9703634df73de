import { copyBytes } from '../../../base/bytes.ts'
import { clockSlackMs, isStale, ownAct, usedAct } from '../credentialActs.ts'
import type { Credential, CredentialStore, StepUpRequest } from '../credentialStore.ts'
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
const ask = statement(
  `INSERT INTO step_ups (id, account, device_id, budget, asked_at, ends_at)
   SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM credentials WHERE account = $2)
   ON CONFLICT (account, device_id, budget) DO UPDATE
     SET id = excluded.id, asked_at = excluded.asked_at, confirmed_at = NULL, ends_at = excluded.ends_at
     WHERE coalesce(step_ups.confirmed_at, step_ups.asked_at) > excluded.asked_at + ${clockSlackMs}
       OR step_ups.ends_at <= excluded.asked_at + CASE WHEN step_ups.confirmed_at IS NULL THEN $7::bigint ELSE 0 END`,
)
const asking = statement<{ readonly id: Uint8Array }>(
  'SELECT id FROM step_ups WHERE account = $1 AND device_id = $2 AND budget = $3 AND confirmed_at IS NULL',
)
const asked = statement<Omit<StepUpRequest, 'id'> & { readonly id: Uint8Array }>(
  `SELECT s.id, a.account_id AS "accountId", s.device_id AS "deviceId", s.budget, s.ends_at AS "endsAt"
   FROM step_ups s JOIN accounts a ON a.id = s.account
   WHERE s.id = $1 AND s.confirmed_at IS NULL AND s.asked_at <= $2 + ${clockSlackMs}::bigint AND s.ends_at > $2`,
)
const confirm = statement('UPDATE step_ups SET confirmed_at = $1, ends_at = $2 WHERE id = $3')
const forgetSteps = statement('DELETE FROM step_ups WHERE ends_at <= $1')
const dropAll = statement<{ readonly id: Uint8Array }>(
  'DELETE FROM credentials WHERE account = $1 RETURNING id',
)
const dropStep = statement('DELETE FROM step_ups WHERE account = $1')
const state = statement<{ readonly open: boolean }>(
  `SELECT EXISTS (
     SELECT 1 FROM step_ups s WHERE s.account = a.id AND s.device_id = $2 AND s.budget = $3
       AND s.confirmed_at <= $4 + ${clockSlackMs}::bigint AND s.ends_at > $4
   ) AS open FROM accounts a
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
    use: async (use, now) =>
      db.atomically(async (tx) => {
        const { id, counter } = use
        const [before] = await tx.rows(byId, id)
        const [account] = before === undefined ? [] : await tx.rows(lockAccount, before.accountId)
        const [row] = await tx.rows(byId, id)
        if (row === undefined || account === undefined) return 'unknown'
        const [opened = null] = use.purpose === 'signIn' ? [] : await tx.rows(asked, use.stepUp, now)
        if (use.purpose === 'stepUp' && opened?.accountId !== row.accountId) return 'unknown'
        if (isStale(counter, row.counter)) {
          const refused = { type: 'factor.refused', detail: 'counter' } as const
          ;(await actWriter(tx)).write(...ownAct(row.accountId, refused, now))
          return 'stale'
        }
        tx.send(setCounter, counter, id)
        if (use.purpose === 'stepUp') tx.send(confirm, now, use.until, use.stepUp)
        ;(await actWriter(tx)).write(...ownAct(row.accountId, usedAct(opened), now))
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
    stepUp: async ({ accountId, deviceId, budget }, now) => {
      const [row] = await db.rows(state, accountId, deviceId, budget, now)
      if (row === undefined) return 'none'
      return row.open ? 'open' : 'shut'
    },
    askStepUp: async ({ id, accountId, deviceId, budget, endsAt }, leftMs, now) =>
      db.atomically(async (tx) => {
        const [account] = await tx.rows(lockAccount, accountId)
        if (account === undefined) return null
        await tx.rows(ask, id, account.id, deviceId, budget, now, endsAt, leftMs)
        const [row] = await tx.rows(asking, account.id, deviceId, budget)
        return row === undefined ? null : copyBytes(row.id)
      }),
    askedStepUp: async (id, now) => {
      const [row] = await db.rows(asked, id, now)
      return row === undefined ? null : { ...row, id: copyBytes(row.id) }
    },
    forgetStepUps: async (now) => {
      await db.rows(forgetSteps, now)
    },
  }
}

function credentialOf({ id, publicKey, ...row }: CredentialRow): Credential {
  return { ...row, id: copyBytes(id), publicKey: copyBytes(publicKey) }
}
