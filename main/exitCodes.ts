import type { ErrorCode } from '../src/base/errors.ts'

/** What the process answers to whoever started it. Administrators rely on the table in main/README.md: numbers are never reused. */
const exitCodes = {
  'argument.invalid': 2,
  'profile.inUse': 3,
  'profile.notWritable': 4,
  'profile.unsafe': 5,
  'switch.refused': 6,
  'policy.malformed': 7,
} as const satisfies Partial<Record<ErrorCode, number>>

/** 1 for every code without a number of its own. */
export function exitCodeOf(code: ErrorCode): number {
  return new Map<ErrorCode, number>(Object.entries(exitCodes) as [ErrorCode, number][]).get(code) ?? 1
}
