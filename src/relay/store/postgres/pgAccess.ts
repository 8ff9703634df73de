import type { AccountRole } from '../../accounts/standing.ts'
import type { DirectoryEntry } from '../../../wire/http.ts'
import { statement } from './statement.ts'

export interface AccountRow {
  readonly account_id: string
  readonly display_name: string
  readonly title: string
  readonly service: string
  readonly organisation: string
}

export const accountColumns = 'account_id, display_name, title, service, organisation'

export function entryOf(row: AccountRow): DirectoryEntry {
  return {
    accountId: row.account_id,
    displayName: row.display_name,
    title: row.title,
    service: row.service,
    organisation: row.organisation,
  }
}

export interface LockedAccount {
  readonly id: number
  readonly identity_key: Uint8Array | null
  readonly access_key_hash: Uint8Array | null
  readonly devices_revision: number
  readonly highest_device_id: number
  readonly enrolled: boolean
  readonly role: AccountRole
  readonly disabled: boolean
}

const columns = `id, identity_key, access_key_hash, devices_revision, highest_device_id,
  enrolled_at IS NOT NULL AS enrolled, role, disabled_at IS NOT NULL AS disabled`

/**
 * The one order that keeps processes from each other's way: **whatever changes or uses an account's devices, keys,
 * permits or queues first locks the account's row**; several in the order of their ids; then, if at all, that of the
 * journal of acts (`pgActs`), and last that of the changes (`pgChanges`). A transaction that reads after
 * that (each statement sees what was committed before it began) sees all that others did, and nobody changes it until its
 * commit. So an engine of many processes answers what the embedded one would, that does one thing at a time.
 */
export const lockAccount = statement<LockedAccount>(
  `SELECT ${columns} FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE`,
)

/** By the store's number of a device. */
export const lockOwner = statement<LockedAccount>(
  `SELECT ${columns} FROM accounts WHERE id = (SELECT account FROM devices WHERE id = $1) FOR NO KEY UPDATE`,
)

/** Those of these public ids, and those whose devices are named by their numbers. */
export const lockAccounts = statement(
  `SELECT id FROM accounts WHERE id IN (
     SELECT id FROM accounts WHERE account_id = ANY ($1::uuid[])
     UNION SELECT account FROM devices WHERE id = ANY ($2::bigint[])
   ) ORDER BY id FOR NO KEY UPDATE`,
)
