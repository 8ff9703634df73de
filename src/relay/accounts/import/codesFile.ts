import type { CreatedInvitation } from '../../data/invitations.ts'

export interface IssuedCode extends CreatedInvitation {
  /** Of the imported file. */
  readonly line: number
  readonly name: string
  readonly email: string | null
  readonly identifier: string | null
}

/** A table that any spreadsheet opens: UTF-8 with its mark, semicolons, every cell quoted. */
export function codesFile(codes: readonly IssuedCode[]): string {
  const rows = codes.map((code) => [
    code.name,
    code.email ?? '',
    code.identifier ?? '',
    code.accountId,
    new Date(code.expiresAt).toISOString(),
    code.text,
  ])
  const head = ['name', 'email', 'identifier', 'account', 'expires', 'invitation']
  return `\ufeff${[head, ...rows].map((row) => `${row.map(cell).join(';')}\r\n`).join('')}`
}

/** A spreadsheet takes a cell that begins like these for a formula, and it may have come in by the imported file. */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return `"${safe.replaceAll('"', '""')}"`
}
