import { CodedError } from '../../base/errors.ts'
import type { RelayText } from '../../text/relay.ts'
import { settingNames, type SettingName } from './settings.ts'

/** Where a value was given. */
export type SettingSource = 'file' | 'environment' | 'option'

/** What is wrong with the settings as they are written; never the value itself, which may be a secret. */
export interface SettingProblem {
  readonly code:
    | 'config.unreadable'
    | 'config.malformed'
    | 'config.unknownKey'
    | 'config.badValue'
    | 'config.conflict'
    | 'argument.invalid'
  readonly from: SettingSource
  /** The name of a setting, or what was written in the place of one. */
  readonly key: string | null
  /** In the file, from 1. */
  readonly line: number | null
  /** A known name that may have been meant. */
  readonly nearest: string | null
}

export function problemError({ code, key, line, nearest }: SettingProblem): CodedError {
  if (code === 'argument.invalid') return new CodedError(code, key === null ? {} : { option: key })
  return new CodedError(code, {
    ...(key === null ? {} : { key }),
    ...(line === null ? {} : { line }),
    ...(nearest === null ? {} : { nearest }),
  })
}

/** What a person needs beside the sentence of the code: which setting, where, what it takes. */
export function problemHints(
  { key, line, nearest }: Pick<SettingProblem, 'key' | 'line' | 'nearest'>,
  text: RelayText,
): readonly string[] {
  return [
    ...(key === null ? [] : [text('relaySettings.concerned', { key })]),
    ...(line === null ? [] : [text('relaySettings.line', { line })]),
    ...(nearest === null ? [] : [text('relaySettings.nearest', { name: nearest })]),
    ...(isSetting(key) ? [text(`relaySetting.${key}`)] : []),
  ]
}

function isSetting(key: string | null): key is SettingName {
  return settingNames.some((name) => name === key)
}
