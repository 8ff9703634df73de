import { resolve } from 'node:path'
import { exhausted } from '../../base/exhaustive.ts'
import { conflicts } from './conflicts.ts'
import { readSettingsFile, type SettingsFile } from './file.ts'
import { nearest } from './nearest.ts'
import { problemError, type SettingProblem, type SettingSource } from './problems.ts'
import {
  configVariable,
  environmentName,
  environmentPrefix,
  optionName,
  settingNamed,
  settingNames,
  type SettingName,
  type Settings,
} from './settings.ts'

export interface SettingSources {
  /** Path of a TOML file, or null. */
  readonly file: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The value of a command-line option, by its name. */
  readonly option: (name: string) => string | undefined
}

export interface ReadSettings {
  readonly settings: Settings
  readonly problems: readonly SettingProblem[]
}

/** All settings; throws the first problem as its code. */
export async function loadSettings(sources: SettingSources): Promise<Settings> {
  const { settings, problems } = await readSettings(sources)
  const [first] = problems
  if (first !== undefined) throw problemError(first)
  return settings
}

/**
 * The command line stands above the environment, the environment above the file, the file above the table's own values.
 * Where a value is wrong there is a problem, and the setting has its standard.
 */
export async function readSettings(sources: SettingSources): Promise<ReadSettings> {
  const file: SettingsFile =
    sources.file === null ? { entries: [], problems: [], folder: '.' } : await readSettingsFile(sources.file)
  const problems = [...file.problems, ...unknownKeys(file), ...unknownVariables(sources.environment)]
  const values = new Map<SettingName, unknown>()
  for (const name of settingNames) {
    for (const given of givenFor(name, file, sources)) {
      const parsed = settingNamed(name).schema.safeParse(given.value)
      if (parsed.success) values.set(name, located(name, parsed.data, given))
      else problems.push(badValue(name, given))
    }
    if (!values.has(name)) values.set(name, settingNamed(name).standard)
  }
  // Each value has passed the schema of its own name, or is its standard.
  const settings = Object.fromEntries(values) as unknown as Settings
  return { settings, problems: [...problems, ...conflicts(settings)] }
}

interface Given {
  readonly value: unknown
  readonly from: SettingSource
  readonly line: number | null
  readonly folder: string
}

/** The weakest first. */
function givenFor(name: SettingName, file: SettingsFile, sources: SettingSources): readonly Given[] {
  const entry = file.entries.find(({ key }) => key === name)
  const variable = sources.environment[environmentName(name)]
  const option = sources.option(optionName(name))
  return [
    ...(entry === undefined
      ? []
      : [{ value: entry.value, from: 'file', line: entry.line, folder: file.folder } as const]),
    ...(variable === undefined || variable === '' ? [] : [written(name, variable, 'environment')]),
    ...(option === undefined ? [] : [written(name, option, 'option')]),
  ]
}

function written(name: SettingName, text: string, from: SettingSource): Given {
  return { value: fromText(name, text.trim()), from, line: null, folder: '.' }
}

/** What a text stands for; one that stands for nothing stays a text, which the schema then refuses. */
function fromText(name: SettingName, text: string): unknown {
  const { kind } = settingNamed(name)
  switch (kind) {
    case 'text':
    case 'path':
      return text
    case 'number':
      return /^\d{1,15}$/.test(text) ? Number(text) : text
    case 'flag':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'list':
      return text === '' ? [] : text.split(',').map((part) => part.trim())
    default:
      return exhausted(kind)
  }
}

/** A path in the file is meant from the file's folder, wherever the relay is started. */
function located(name: SettingName, value: unknown, given: Given): unknown {
  const isPath = settingNamed(name).kind === 'path' && given.from === 'file'
  return isPath && typeof value === 'string' ? resolve(given.folder, value) : value
}

function badValue(name: SettingName, given: Given): SettingProblem {
  if (given.from === 'option') {
    return { code: 'argument.invalid', from: 'option', key: optionName(name), line: null, nearest: null }
  }
  const key = given.from === 'environment' ? environmentName(name) : name
  return { code: 'config.badValue', from: given.from, key, line: given.line, nearest: null }
}

function unknownKeys(file: SettingsFile): readonly SettingProblem[] {
  return file.entries
    .filter(({ key }) => !settingNames.some((name) => name === key))
    .map(({ key, line }) => ({
      code: 'config.unknownKey',
      from: 'file',
      key,
      line,
      nearest: nearest(key, settingNames),
    }))
}

function unknownVariables(environment: SettingSources['environment']): readonly SettingProblem[] {
  const names = [configVariable, ...settingNames.map(environmentName)]
  return Object.keys(environment)
    .filter((name) => name.startsWith(environmentPrefix) && !names.includes(name))
    .map((name) => ({
      code: 'config.unknownKey',
      from: 'environment',
      key: name,
      line: null,
      nearest: nearest(name, names),
    }))
}
