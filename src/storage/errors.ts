import { CodedError, type ErrorCode } from '../base/errors.ts'

const codes: Readonly<Record<string, ErrorCode>> = {
  SQLITE_NOTADB: 'vault.wrongKey',
  SQLITE_CORRUPT: 'vault.damaged',
  SQLITE_FULL: 'vault.diskFull',
  SQLITE_BUSY: 'vault.busy',
  SQLITE_LOCKED: 'vault.busy',
  SQLITE_READONLY: 'vault.readOnly',
  SQLITE_CANTOPEN: 'profile.notWritable',
  SQLITE_IOERR: 'vault.damaged',
}

/** A failure of the binding by its code alone: its text may hold SQL or, for PRAGMA key, the key (rule 2). */
export function storageError(thrown: unknown): CodedError {
  if (thrown instanceof CodedError) return thrown
  const code = bindingCode(thrown)
  const known = Object.entries(codes).find(([prefix]) => code.startsWith(prefix))
  return new CodedError(known?.[1] ?? 'internal', code === '' ? {} : { storage: code })
}

function bindingCode(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return ''
  return typeof thrown.code === 'string' ? thrown.code : ''
}
