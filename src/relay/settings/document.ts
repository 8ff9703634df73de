import { stringify } from 'smol-toml'
import type { RelayText } from '../../text/relay.ts'
import { environmentName, optionName, settingNamed, settingNames, type SettingName } from './settings.ts'

/** The documented file: every setting with its sentence, commented out, so that the file as it stands changes nothing. */
export function exampleFile(text: RelayText): string {
  const lines = text('relaySettings.file')
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
  let table = ''
  for (const name of settingNames) {
    const dot = name.lastIndexOf('.')
    const own = name.slice(0, Math.max(0, dot))
    if (own !== table) lines.push('', `[${own}]`)
    table = own
    lines.push('', ...comment(name, text), `# ${assignment(name.slice(dot + 1), settingNamed(name).example)}`)
  }
  return `${lines.join('\n')}\n`
}

function comment(name: SettingName, text: RelayText): readonly string[] {
  return [
    `# ${text(`relaySetting.${name}`)}`,
    `# ${text('relaySettings.names', { variable: environmentName(name), option: `--${optionName(name)}`, standard: standardOf(name, text) })}`,
  ]
}

/** The table of settings as `help` shows it. */
export function settingsHelp(text: RelayText): readonly string[] {
  return settingNames.map(
    (name) =>
      `  --${optionName(name)}  (${name}, ${environmentName(name)}; ${standardOf(name, text)})\n      ${text(`relaySetting.${name}`)}`,
  )
}

function standardOf(name: SettingName, text: RelayText): string {
  const { standard } = settingNamed(name)
  return standard === null ? text('relaySettings.notSet') : JSON.stringify(standard)
}

function assignment(key: string, value: unknown): string {
  return stringify({ [key]: value }).trim()
}
