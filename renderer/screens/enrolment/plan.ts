import { invitationCodeLength } from '../../limits.ts'

/** Pure rules of the enrolment forms. */

/** What stands in the invitation field, judged before the relay is asked. */
export type InvitationInput =
  | { readonly kind: 'empty' }
  | { readonly kind: 'notAnInvitation' }
  | { readonly kind: 'codeShort'; readonly missing: number }
  | { readonly kind: 'codeLong'; readonly extra: number }
  | { readonly kind: 'complete'; readonly invitation: string }

/** `codeOnly`: the organisation has fixed the relay, then the 12-character code alone is enough. */
export function readInvitation(typed: string, codeOnly: boolean): InvitationInput {
  const joined = typed.replaceAll(/\s/gu, '')
  if (joined === '') return { kind: 'empty' }
  // Someone may paste the whole invitation although its code would do.
  if (joined.startsWith('valise:')) return { kind: 'complete', invitation: joined }
  if (!codeOnly) return { kind: 'notAnInvitation' }
  const code = joined.replaceAll('-', '').toUpperCase()
  if (code.length < invitationCodeLength) {
    return { kind: 'codeShort', missing: invitationCodeLength - code.length }
  }
  return code.length > invitationCodeLength
    ? { kind: 'codeLong', extra: code.length - invitationCodeLength }
    : { kind: 'complete', invitation: code }
}

/** Characters as people count them. */
export function characters(value: string): number {
  return [...value].length
}

export function words(value: string): number {
  return value.split(/[\s\-_.,;]+/u).filter(Boolean).length
}

export type PassphraseProblem =
  | { readonly kind: 'short'; readonly missing: number }
  | { readonly kind: 'unconfirmed' }
  | { readonly kind: 'differs' }

/** Null when the passphrase may be taken. */
export function passphraseProblem(
  passphrase: string,
  confirmation: string,
  minimum: number,
): PassphraseProblem | null {
  const missing = minimum - characters(passphrase)
  if (missing > 0) return { kind: 'short', missing }
  if (confirmation === '') return { kind: 'unconfirmed' }
  return passphrase === confirmation ? null : { kind: 'differs' }
}
