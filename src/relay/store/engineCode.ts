import { CodedError } from '../../base/errors.ts'

/**
 * The engine's own code of a failure (`SQLITE_FULL`, a SQLSTATE, `ECONNREFUSED` …), for logs and counters only.
 * SECURITY 9: what has another form than a code is not passed on.
 */
export function engineCode(thrown: unknown): string {
  const cause = thrown instanceof CodedError ? thrown.cause : thrown
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'none'
}
