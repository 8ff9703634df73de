import type { RelayText } from '../../text/relay.ts'
import { settingsHelp } from '../settings/document.ts'
import type { Command, Terminal } from './command.ts'

/** How commands are called, one block each. */
export function showUsage(
  shown: readonly Command[],
  terminal: Pick<Terminal, 'error'>,
  text: RelayText,
): void {
  const lines = shown.flatMap((command) => text(command.usage).split('\n'))
  terminal.error([text('relayCommand.usage'), ...lines.map((line) => `  ${line}`)].join('\n'))
}

export function showHelp(shown: readonly Command[], terminal: Terminal, text: RelayText): void {
  showUsage(shown, { error: (line) => terminal.out(line) }, text)
  terminal.out(['', text('relaySettings.help'), ...settingsHelp(text)].join('\n'))
}
