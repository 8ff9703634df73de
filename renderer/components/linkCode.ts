import { linkCodeLength } from '../limits.ts'

/** What stands in the code field, judged before the relay is asked. */
export type LinkCodeInput =
  | { readonly kind: 'empty' }
  | { readonly kind: 'missing'; readonly count: number }
  | { readonly kind: 'excess'; readonly count: number }
  | { readonly kind: 'complete'; readonly code: string }

/** Capitals, spaces and hyphens are how a person likes them. */
export function readLinkCode(typed: string): LinkCodeInput {
  const code = typed.replaceAll(/[\s\-–—.]/gu, '').toUpperCase()
  if (code === '') return { kind: 'empty' }
  if (code.length < linkCodeLength) return { kind: 'missing', count: linkCodeLength - code.length }
  if (code.length > linkCodeLength) return { kind: 'excess', count: code.length - linkCodeLength }
  return { kind: 'complete', code }
}

/** In groups of four, as it is read out and typed. */
export function codeGroups(code: string): readonly string[] {
  return code.match(/.{1,4}/gu) ?? []
}
