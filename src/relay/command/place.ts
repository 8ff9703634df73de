import { loadSettings, type SettingSources } from '../settings/readSettings.ts'
import { configVariable, type Settings } from '../settings/settings.ts'
import type { Call } from './command.ts'
import { missing } from './values.ts'

/** All settings of a call that takes each of them as an option. */
export async function settingsOf(call: Call): Promise<Settings> {
  return loadSettings(sourcesOf(call))
}

/** Options of the call, the environment, and the file that `--config` or the environment names. */
export function sourcesOf({ values, terminal }: Call): SettingSources {
  return {
    file: values.text('config') ?? terminal.environment[configVariable] ?? null,
    environment: terminal.environment,
    option: (name) => values.text(name),
  }
}

/** The settings of a command of which `--data` alone is an option: its others are about something else. */
export async function placeSettings(call: Call): Promise<Settings> {
  return loadSettings({
    ...sourcesOf(call),
    option: (name) => (name === 'data' ? call.values.text('data') : undefined),
  })
}

/** The folder of the relay that a command is about. Throws `argument.invalid` when nothing names it. */
export async function dataFolder(call: Call): Promise<string> {
  return (await placeSettings(call)).data ?? missing('data')
}
