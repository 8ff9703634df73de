import { copyBytes, sameBytes } from '../../base/bytes.ts'
import { limits } from '../../wire/limits.ts'
import type { DirectoryEntry } from '../../wire/http.ts'
import { isEnded } from '../accounts/standing.ts'
import { accountColumns, entryOf, uuidBytes, type AccountRow } from './accountRows.ts'
import { foldText } from './foldText.ts'
import { bump, insertDevice, removeDevices } from './sqliteDevices.ts'
import { searchText } from './listing.ts'
import { relist } from './sqliteListing.ts'
import type { InvitationTerms } from './peopleStore.ts'
import type { KeyWriter } from './sqliteKeys.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { Enrolment, EnrolmentOutcome, InvitationStore, RepeatedInvitation } from './store.ts'

interface InvitationRow extends AccountRow {
  readonly id: number
  readonly account: number
  readonly expires_at: number
  readonly used_by: Uint8Array | null
  readonly disabled_at: number | null
  /** Of the account. */
  readonly ends_at: number | null
}

interface EnrolledRow {
  readonly identity_key: Uint8Array
  readonly device_id: number
  readonly registration_id: number
}

export function sqliteInvitations(db: SqliteDatabase, writeKeys: KeyWriter): InvitationStore {
  const [insertAccount, insertInvitation] = [accountInserter(db), invitationInserter(db)]
  const byCode = db.prepare<[Uint8Array], InvitationRow>(
    `SELECT i.id, i.account, i.expires_at, i.used_by, a.disabled_at, a.expires_at AS ends_at, ${accountColumns}
     FROM invitations i
     JOIN accounts a ON a.id = i.account WHERE i.code_hash = ?`,
  )
  return {
    create: async (invitation) =>
      orUnavailable(() =>
        db.transaction(() => insertInvitation(insertAccount(invitation.account), invitation)).immediate(),
      ),
    createAgain: async (invitation) =>
      orUnavailable(() => db.transaction(() => createAgain(db, invitation, insertInvitation)).immediate()),
    find: async (codeHash) => {
      const row = orUnavailable(() => byCode.get(codeHash))
      if (row === undefined) return null
      const usedBy = row.used_by === null ? null : copyBytes(row.used_by)
      return { account: entryOf(row), expiresAt: row.expires_at, usedBy }
    },
    redeem: async (enrolment) =>
      orUnavailable(() =>
        db.transaction(() => redeem(db, byCode.get(enrolment.codeHash), enrolment, writeKeys)).immediate(),
      ),
  }
}

/** Within the caller's transaction: an account that is not enrolled yet. Gives the store's number of it. */
export function accountInserter(db: SqliteDatabase): (account: DirectoryEntry) => number {
  const insert = db.prepare(
    `INSERT INTO accounts (${accountColumns}, sort_key, search_text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  return (account) => {
    const { accountId, displayName, title, service, organisation } = account
    const folded = [foldText(displayName), searchText(account)]
    const { lastInsertRowid } = insert.run(
      uuidBytes(accountId),
      displayName,
      title,
      service,
      organisation,
      ...folded,
    )
    return Number(lastInsertRowid)
  }
}

/** Within the caller's transaction. */
export function invitationInserter(
  db: SqliteDatabase,
): (account: number, invitation: InvitationTerms) => void {
  const insert = db.prepare(
    'INSERT INTO invitations (code_hash, account, created_at, expires_at) VALUES (?, ?, ?, ?)',
  )
  return (account, { codeHash, createdAt, expiresAt }) => {
    insert.run(codeHash, account, createdAt, expiresAt)
  }
}

function createAgain(
  db: SqliteDatabase,
  invitation: RepeatedInvitation,
  insertInvitation: ReturnType<typeof invitationInserter>,
): DirectoryEntry | null {
  const row = db
    .prepare<[Uint8Array], AccountRow & { readonly id: number }>(
      `SELECT id, ${accountColumns} FROM accounts WHERE account_id = ?`,
    )
    .get(uuidBytes(invitation.accountId))
  if (row === undefined) return null
  insertInvitation(row.id, invitation)
  return entryOf(row)
}

function redeem(
  db: SqliteDatabase,
  row: InvitationRow | undefined,
  enrolment: Enrolment,
  writeKeys: KeyWriter,
): EnrolmentOutcome {
  if (row === undefined) return { kind: 'unknown' }
  if (row.used_by !== null) return repeated(db, row, enrolment)
  if (isEnded({ disabled: row.disabled_at !== null, expiresAt: row.ends_at }, enrolment.now)) {
    return { kind: 'disabled' }
  }
  if (row.expires_at <= enrolment.now) return { kind: 'expired' }
  db.prepare('UPDATE invitations SET used_by = ? WHERE id = ?').run(enrolment.deviceKey, row.id)
  // Whoever holds another code of this account must not be able to take it over afterwards.
  db.prepare('DELETE FROM invitations WHERE account = ? AND used_by IS NULL').run(row.account)
  enterAccount(db, row.account, enrolment)
  const deviceId = limits.firstDeviceId
  const removed = removeDevices(db, row.account)
  insertDevice(db, row.account, { ...enrolment, deviceId, sealedName: new Uint8Array(0) }, writeKeys)
  bump(db, row.account)
  return { kind: 'enrolled', deviceId, account: entryOf(row), removed }
}

function enterAccount(db: SqliteDatabase, account: number, enrolment: Enrolment): void {
  db.prepare('UPDATE accounts SET enrolled_at = ? WHERE id = ? AND enrolled_at IS NULL').run(
    enrolment.now,
    account,
  )
  relist(db, account)
  db.prepare('UPDATE accounts SET identity_key = ?, access_key_hash = ? WHERE id = ?').run(
    enrolment.identityKey,
    enrolment.accessKeyHash,
    account,
  )
}

/** The answer may have been lost: the same device with the same keys gets it again; anybody else came too late. */
function repeated(db: SqliteDatabase, row: InvitationRow, enrolment: Enrolment): EnrolmentOutcome {
  const enrolled = db
    .prepare<[number, Uint8Array], EnrolledRow>(
      `SELECT a.identity_key, d.device_id, d.registration_id FROM devices d JOIN accounts a ON a.id = d.account
       WHERE d.account = ? AND d.device_key = ?`,
    )
    .get(row.account, enrolment.deviceKey)
  const same =
    enrolled !== undefined &&
    sameBytes(enrolled.identity_key, enrolment.identityKey) &&
    enrolled.registration_id === enrolment.registrationId
  return same
    ? { kind: 'enrolled', deviceId: enrolled.device_id, account: entryOf(row), removed: [] }
    : { kind: 'used' }
}
