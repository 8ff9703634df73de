import { systemClock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { errorText, type RelayText } from '../../text/relay.ts'
import { checkAll } from '../check/check.ts'
import type { Finding } from '../check/findings.ts'
import { problemHints } from '../settings/problems.ts'
import { readSettings } from '../settings/readSettings.ts'
import { settingOptions, type Command } from './command.ts'
import { sourcesOf } from './place.ts'

export const check: Command = {
  name: 'check',
  usage: 'relayCommand.usage.check',
  options: settingOptions,
  run: async (call) => {
    const { terminal, text } = call
    const findings = await checkAll(await readSettings(sourcesOf(call)), systemClock)
    for (const found of findings) terminal.out(shown(found, text))
    if (findings.some(({ level }) => level === 'error')) throw new CodedError('config.checkFailed')
    terminal.out(text('relayCommand.checked'))
  },
}

function shown(found: Finding, text: RelayText): string {
  const { level, code } = found
  const head = text(`relayCommand.finding.${level}`, { code, sentence: errorText(text, code) })
  return [head, ...problemHints(found, text).map((hint) => `  ${hint}`)].join('\n')
}
