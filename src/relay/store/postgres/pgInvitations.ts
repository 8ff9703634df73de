import { copyBytes, sameBytes } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import { limits } from '../../../wire/limits.ts'
import type { DirectoryEntry } from '../../../wire/http.ts'
import { isEnded } from '../../accounts/standing.ts'
import { foldText } from '../foldText.ts'
import { searchText } from '../listing.ts'
import type { InvitationTerms } from '../peopleStore.ts'
import type {
  Enrolment,
  EnrolmentOutcome,
  InvitationRecord,
  InvitationStore,
  RepeatedInvitation,
} from '../store.ts'
import { accountColumns, entryOf, type AccountRow } from './pgAccess.ts'
import type { Database, Transaction } from './database.ts'
import { bumped, insertDevice, removeAllDevices } from './pgDevices.ts'
import { relist } from './pgListing.ts'
import { shardHash } from './shards.ts'
import { statement } from './statement.ts'

interface InvitationRow extends AccountRow {
  readonly id: number
  readonly account: number
  readonly expires_at: number
  readonly used_by: Uint8Array | null
  readonly disabled: boolean
  /** Of the account. */
  readonly ends_at: number | null
}

interface EnrolledRow {
  readonly identity_key: Uint8Array
  readonly device_id: number
  readonly registration_id: number
}

const byCode = statement<InvitationRow>(
  `SELECT i.id, i.account, i.expires_at, i.used_by, a.disabled_at IS NOT NULL AS disabled, a.expires_at AS ends_at,
          ${accountColumns}
   FROM invitations i JOIN accounts a ON a.id = i.account WHERE i.code_hash = $1`,
)
const lockAccountOf = statement(
  'SELECT id FROM accounts WHERE id = (SELECT account FROM invitations WHERE code_hash = $1) FOR NO KEY UPDATE',
)
const insertAccount = statement<{ readonly id: number }>(
  `INSERT INTO accounts (${accountColumns}, sort_key, search_text, epoch, shard)
   SELECT $1, $2, $3, $4, $5, $6, $7, epoch, $8::bigint % shards FROM shard_map ORDER BY epoch DESC LIMIT 1
   RETURNING id`,
)
const insertInvitation = statement(
  'INSERT INTO invitations (code_hash, account, created_at, expires_at) VALUES ($1, $2, $3, $4)',
)
const findAccount = statement<AccountRow & { readonly id: number }>(
  `SELECT id, ${accountColumns} FROM accounts WHERE account_id = $1`,
)
const use = statement('UPDATE invitations SET used_by = $1 WHERE id = $2')
const endOthers = statement('DELETE FROM invitations WHERE account = $1 AND used_by IS NULL')
const enter = statement(
  `UPDATE accounts SET enrolled_at = coalesce(enrolled_at, $1), identity_key = $2, access_key_hash = $3 WHERE id = $4`,
)
const enrolledBy = statement<EnrolledRow>(
  `SELECT a.identity_key, d.device_id, d.registration_id FROM devices d JOIN accounts a ON a.id = d.account
   WHERE d.account = $1 AND d.device_key = $2`,
)

export function pgInvitations(db: Database): InvitationStore {
  return {
    create: async (invitation) =>
      db.atomically(async (tx) => invite(tx, await insertAccountOf(tx, invitation.account), invitation)),
    createAgain: async (invitation) => db.atomically(async (tx) => createAgain(tx, invitation)),
    find: async (codeHash) => {
      const [row] = await db.rows(byCode, codeHash)
      return row === undefined ? null : recordOf(row)
    },
    redeem: async (enrolment) => db.atomically(async (tx) => redeem(tx, enrolment)),
  }
}

function recordOf(row: InvitationRow): InvitationRecord {
  const usedBy = row.used_by === null ? null : copyBytes(row.used_by)
  return { account: entryOf(row), expiresAt: row.expires_at, usedBy }
}

/** An account that is not enrolled yet; gives the store's number of it. */
export async function insertAccountOf(tx: Transaction, account: DirectoryEntry): Promise<number> {
  const { accountId, displayName, title, service, organisation } = account
  const folded = [foldText(displayName), searchText(account)] as const
  const given = [accountId, displayName, title, service, organisation] as const
  const [row] = await tx.rows(insertAccount, ...given, ...folded, shardHash(accountId))
  if (row === undefined) throw new CodedError('internal')
  return row.id
}

async function createAgain(tx: Transaction, invitation: RepeatedInvitation): Promise<DirectoryEntry | null> {
  const [row] = await tx.rows(findAccount, invitation.accountId)
  if (row === undefined) return null
  invite(tx, row.id, invitation)
  return entryOf(row)
}

export function invite(tx: Transaction, account: number, invitation: InvitationTerms): void {
  tx.send(insertInvitation, invitation.codeHash, account, invitation.createdAt, invitation.expiresAt)
}

async function redeem(tx: Transaction, enrolment: Enrolment): Promise<EnrolmentOutcome> {
  tx.send(lockAccountOf, enrolment.codeHash)
  const [row] = await tx.rows(byCode, enrolment.codeHash)
  if (row === undefined) return { kind: 'unknown' }
  if (row.used_by !== null) return repeated(tx, row, enrolment)
  if (isEnded({ disabled: row.disabled, expiresAt: row.ends_at }, enrolment.now)) return { kind: 'disabled' }
  if (row.expires_at <= enrolment.now) return { kind: 'expired' }
  tx.send(use, enrolment.deviceKey, row.id)
  // Whoever holds another code of this account must not be able to take it over afterwards.
  tx.send(endOthers, row.account)
  tx.send(enter, enrolment.now, enrolment.identityKey, enrolment.accessKeyHash, row.account)
  await relist(tx, row.account)
  const removed = await removeAllDevices(tx, row.account)
  const deviceId = limits.firstDeviceId
  await insertDevice(tx, row.account, { ...enrolment, deviceId, sealedName: new Uint8Array(0) })
  await bumped(tx, row.account)
  return { kind: 'enrolled', deviceId, account: entryOf(row), removed }
}

/** The answer may have been lost: the same device with the same keys gets it again; anybody else came too late. */
async function repeated(
  tx: Transaction,
  row: InvitationRow,
  enrolment: Enrolment,
): Promise<EnrolmentOutcome> {
  const [enrolled] = await tx.rows(enrolledBy, row.account, enrolment.deviceKey)
  const same =
    enrolled !== undefined &&
    sameBytes(enrolled.identity_key, enrolment.identityKey) &&
    enrolled.registration_id === enrolment.registrationId
  return same
    ? { kind: 'enrolled', deviceId: enrolled.device_id, account: entryOf(row), removed: [] }
    : { kind: 'used' }
}
