import { copyBytes, sameBytes } from '../../base/bytes.ts'
import { accountColumns, entryOf, uuidBytes, type AccountRow } from './accountRows.ts'
import { foldText } from './foldText.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { Enrolment, EnrolmentOutcome, InvitationStore, KeySet, NewInvitation } from './store.ts'

interface InvitationRow extends AccountRow {
  readonly id: number
  readonly account: number
  readonly expires_at: number
  readonly used_by: Uint8Array | null
}

interface EnrolledRow {
  readonly identity_key: Uint8Array
  readonly device_id: number
  readonly registration_id: number
}

const firstDeviceId = 1

export function sqliteInvitations(
  db: SqliteDatabase,
  writeKeys: (device: number, keys: KeySet) => void,
): InvitationStore {
  const byCode = db.prepare<[Uint8Array], InvitationRow>(
    `SELECT i.id, i.account, i.expires_at, i.used_by, ${accountColumns} FROM invitations i
     JOIN accounts a ON a.id = i.account WHERE i.code_hash = ?`,
  )
  return {
    create: async (invitation) => orUnavailable(() => create(db, invitation)),
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

function create(db: SqliteDatabase, invitation: NewInvitation): void {
  const { account } = invitation
  const sortKey = foldText(account.displayName)
  const words = foldText(`${account.displayName} ${account.title} ${account.service} ${account.organisation}`)
  db.transaction(() => {
    const { lastInsertRowid } = db
      .prepare(`INSERT INTO accounts (${accountColumns}, sort_key, search_text) VALUES (?, ?, ?, ?, ?, ?, ?)`)
      .run(
        uuidBytes(account.accountId),
        account.displayName,
        account.title,
        account.service,
        account.organisation,
        sortKey,
        // The leading space makes every word findable by its beginning, with one `instr` (see `sqliteDirectory`).
        ` ${words}`,
      )
    db.prepare(
      'INSERT INTO invitations (code_hash, account, created_at, expires_at) VALUES (?, ?, ?, ?)',
    ).run(invitation.codeHash, lastInsertRowid, invitation.createdAt, invitation.expiresAt)
  }).immediate()
}

function redeem(
  db: SqliteDatabase,
  row: InvitationRow | undefined,
  enrolment: Enrolment,
  writeKeys: (device: number, keys: KeySet) => void,
): EnrolmentOutcome {
  if (row === undefined) return { kind: 'unknown' }
  if (row.used_by !== null) return repeated(db, row, enrolment)
  if (row.expires_at <= enrolment.now) return { kind: 'expired' }
  db.prepare('UPDATE invitations SET used_by = ? WHERE id = ?').run(enrolment.deviceKey, row.id)
  db.prepare('UPDATE accounts SET identity_key = ?, enrolled_at = ? WHERE id = ?').run(
    enrolment.identityKey,
    enrolment.now,
    row.account,
  )
  db.prepare('INSERT INTO directory (rowid, words) SELECT id, search_text FROM accounts WHERE id = ?').run(
    row.account,
  )
  const { lastInsertRowid } = db
    .prepare(
      'INSERT INTO devices (account, device_id, registration_id, device_key, created_at) VALUES (?, ?, ?, ?, ?)',
    )
    .run(row.account, firstDeviceId, enrolment.registrationId, enrolment.deviceKey, enrolment.now)
  writeKeys(Number(lastInsertRowid), enrolment.keys)
  return { kind: 'enrolled', deviceId: firstDeviceId, account: entryOf(row) }
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
  return same ? { kind: 'enrolled', deviceId: enrolled.device_id, account: entryOf(row) } : { kind: 'used' }
}
