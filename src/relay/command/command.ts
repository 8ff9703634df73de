import type { ParseArgsOptionsConfig } from 'node:util'
import type { Language, RelayText, RelayTextKey } from '../../text/relay.ts'
import type { Login } from '../data/actor.ts'
import { optionName, settingNames } from '../settings/settings.ts'
import type { Values } from './values.ts'

/** One command of `valise-relay`. To add one: a file of its own here, and its line in `commands.ts`. */
export interface Command {
  readonly name: string
  /** How it is called; without the options of the settings that it reads. */
  readonly usage: RelayTextKey
  readonly options: ParseArgsOptionsConfig
  /** Throws a `CodedError` for what an administrator can mend. */
  run(call: Call): Promise<void>
}

export interface Call {
  readonly values: Values
  readonly terminal: Terminal
  readonly text: RelayText
}

/** What a command may touch of its process. */
export interface Terminal {
  readonly language: Language
  /** Of the program. */
  readonly version: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Folder of the administrator's page as it was built; left out: there is none. */
  readonly page?: string
  /** Who logged in; left out: as Linux says of this process. */
  readonly login?: Login
  out(line: string): void
  error(line: string): void
  /** Settles when the process is asked to end. */
  readonly ended: Promise<void>
  /** Calls back whenever the process is asked to read its files again. */
  onReload(listener: () => void): void
}

/** Options of `parseArgs`. */
export const textOption = { type: 'string' } as const
export const flagOption = { type: 'boolean' } as const
/** Where a relay lies: `--data`, or the file of its settings. */
export const placeOptions = { data: textOption, config: textOption } as const

/** An option for each setting. */
export const settingOptions: ParseArgsOptionsConfig = Object.fromEntries(
  ['config', ...settingNames.map(optionName)].map((name) => [name, textOption]),
)
