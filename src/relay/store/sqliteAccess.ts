import { sameBytes } from '../../base/bytes.ts'
import type { SqliteDatabase } from './sqliteOpen.ts'
import type { Authorisation, Denial } from './store.ts'

export interface RecipientRow {
  readonly id: number
  readonly identity_key: Uint8Array
  readonly access_key_hash: Uint8Array | null
}

export type Admission =
  { readonly kind: 'admitted'; readonly account: number; readonly identityKey: Uint8Array } | Denial

/** An enrolled account by its id. */
export function recipientReader(db: SqliteDatabase): (accountId: Uint8Array) => RecipientRow | null {
  const recipient = db.prepare<[Uint8Array], RecipientRow>(
    'SELECT id, identity_key, access_key_hash FROM accounts WHERE account_id = ? AND enrolled_at IS NOT NULL',
  )
  return (accountId) => recipient.get(accountId) ?? null
}

/** Whether an authorisation opens an account; a permit is looked at by who spends it. */
export function admitted(row: RecipientRow | null, by: Authorisation): Admission {
  if (by.kind === 'accessKey') {
    const hash = row?.access_key_hash ?? null
    if (hash === null || !sameBytes(hash, by.hash)) return { kind: 'denied' }
  }
  return row === null
    ? { kind: 'unknownRecipient' }
    : { kind: 'admitted', account: row.id, identityKey: row.identity_key }
}
