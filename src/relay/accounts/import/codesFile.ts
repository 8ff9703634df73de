import type { CreatedInvitation } from '../../data/invitations.ts'
import { csvText } from '../csvText.ts'

export interface IssuedCode extends CreatedInvitation {
  /** Of the imported file. */
  readonly line: number
  readonly name: string
  readonly email: string | null
  readonly identifier: string | null
}

export function codesFile(codes: readonly IssuedCode[]): string {
  const rows = codes.map((code) => [
    code.name,
    code.email ?? '',
    code.identifier ?? '',
    code.accountId,
    new Date(code.expiresAt).toISOString(),
    code.text,
  ])
  return csvText([['name', 'email', 'identifier', 'account', 'expires', 'invitation'], ...rows])
}
