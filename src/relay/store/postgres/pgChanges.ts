import { exhausted } from '../../../base/exhaustive.ts'
import type { Change, ChangeStore } from '../peopleStore.ts'
import type { Database, Transaction } from './database.ts'
import { statement } from './statement.ts'

interface ChangeRow {
  readonly id: number
  readonly kind: Change['kind']
  readonly account_id: string | null
  readonly device: number | null
  readonly revision: number | null
}

/** The server's clock, in ms: for pruning alone, and none of the relays need agree with it. */
const clock = 'floor(extract(epoch FROM clock_timestamp()) * 1000)'
const numbered = 'WITH n AS (UPDATE changes_state SET last = last + 1 RETURNING last)'
const insertDevice = statement(
  `${numbered} INSERT INTO changes (id, at, kind, device) SELECT last, ${clock}, 'deviceEnded', $1 FROM n`,
)
const insertAccount = statement(
  `${numbered} INSERT INTO changes (id, at, kind, account_id, revision)
   SELECT last, ${clock}, $1, account_id, $2 FROM n, accounts WHERE accounts.id = $3`,
)
const readNewest = statement<{ readonly id: number | null }>('SELECT max(id) AS id FROM changes')
const readAfter = statement<ChangeRow>(
  'SELECT id, kind, account_id, device, revision FROM changes WHERE id > $1 ORDER BY id LIMIT $2',
)
const prune = statement(
  `DELETE FROM changes WHERE at < ${clock} - $1::bigint AND id < (SELECT max(id) FROM changes)`,
)
const blank = statement(
  `UPDATE changes SET account_id = NULL WHERE at < ${clock} - $1::bigint AND account_id IS NOT NULL`,
)

/** Within the caller's transaction, as the following: connections of this device have to end. */
export function noteEnded(tx: Transaction, device: number): void {
  tx.send(insertDevice, device)
}

/** `account` is the store's number. */
export function noteAccount(
  tx: Transaction,
  account: number,
  kind: 'devicesChanged' | 'accountDisabled',
  revision: number | null = null,
): void {
  tx.send(insertAccount, kind, revision, account)
}

export function pgChanges(db: Database): ChangeStore {
  return {
    newest: async () => (await db.rows(readNewest))[0]?.id ?? 0,
    after: async (id, limit) => (await db.rows(readAfter, id, limit)).map(changeOf),
    prune: async (keptMs) => {
      await db.rows(prune, keptMs)
      await db.rows(blank, keptMs)
    },
  }
}

function changeOf({ id, kind, account_id: account, device, revision }: ChangeRow): Change {
  switch (kind) {
    case 'deviceEnded':
      return { id, kind, device: device ?? 0 }
    case 'devicesChanged':
      return { id, kind, accountId: account ?? '', revision: revision ?? 0 }
    case 'accountDisabled':
      return { id, kind, accountId: account ?? '' }
    default:
      return exhausted(kind)
  }
}
