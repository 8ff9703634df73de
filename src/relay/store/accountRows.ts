import { fromUuid, toUuid } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { DirectoryEntry } from '../../wire/http.ts'

export interface AccountRow {
  readonly account_id: Uint8Array
  readonly display_name: string
  readonly title: string
  readonly service: string
  readonly organisation: string
}

export const accountColumns = 'account_id, display_name, title, service, organisation'

export function entryOf(row: AccountRow): DirectoryEntry {
  return {
    accountId: uuidText(row.account_id),
    displayName: row.display_name,
    title: row.title,
    service: row.service,
    organisation: row.organisation,
  }
}

/** For ids that passed a schema before. */
export function uuidBytes(accountId: string): Uint8Array {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new CodedError('request.malformed')
  return bytes
}

export function uuidText(bytes: Uint8Array): string {
  const text = toUuid(bytes)
  if (text === null) throw new CodedError('internal')
  return text
}
