import type { ErrorCode } from '../../base/errors.ts'
import type { SettingProblem } from '../settings/problems.ts'
import type { SettingName } from '../settings/settings.ts'

/** What a check found: an error keeps the relay from starting or serving, a warning should be looked at. */
export interface Finding {
  readonly level: 'error' | 'warning'
  readonly code: ErrorCode
  /** The setting to look at; null where none is to blame. */
  readonly key: string | null
  readonly line: number | null
  readonly nearest: string | null
}

export function finding(level: Finding['level'], code: ErrorCode, key: SettingName | null = null): Finding {
  return { level, code, key, line: null, nearest: null }
}

export function findingOf({ code, key, line, nearest }: SettingProblem): Finding {
  return { level: 'error', code, key, line, nearest }
}
