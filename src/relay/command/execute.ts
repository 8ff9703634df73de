import { CodedError, reportOf, type ErrorCode, type ErrorDetails } from '../../base/errors.ts'
import { createRelayText, errorText, type RelayText } from '../../text/relay.ts'
import type { Command, Terminal } from './command.ts'
import { commands } from './commands.ts'
import { problemHints } from '../settings/problems.ts'
import { showHelp, showUsage } from './help.ts'
import { Values } from './values.ts'

/** Exit codes of `valise-relay`; the README of this room explains them to administrators. */
export const exitCodes = { done: 0, failed: 1, arguments: 2, data: 3, network: 4 } as const

/** Runs one command to its end and returns the exit code. Never throws; shows sentences, no stack trace. */
export async function execute(args: readonly string[], terminal: Terminal): Promise<number> {
  const text = createRelayText(terminal.language)
  const [name = 'help'] = args
  const command = commands.find((candidate) => isCalled(candidate, args)) ?? null
  const rest = args.slice(command?.name.split(' ').length ?? 1)
  try {
    if (name === 'help' || name === '--help') showHelp(commands, terminal, text)
    else if (command === null) throw new CodedError('argument.invalid')
    else await command.run({ values: new Values(command.options, rest), terminal, text })
    return exitCodes.done
  } catch (thrown) {
    return explain(thrown, command, terminal, text)
  }
}

/** A name may be of two words. */
function isCalled({ name }: Command, args: readonly string[]): boolean {
  return name.split(' ').every((word, index) => args[index] === word)
}

function explain(thrown: unknown, command: Command | null, terminal: Terminal, text: RelayText): number {
  const { code: reported, details } = reportOf(thrown)
  // Here the store is a file of this machine, not a server that answers a workstation.
  const code = reported === 'relay.unavailable' ? 'relay.dataNotWritable' : reported
  terminal.error(errorText(text, code))
  if (typeof details['option'] === 'string') {
    terminal.error(text('relayCommand.option', { option: `--${details['option']}` }))
  }
  for (const hint of settingHints(details, text)) terminal.error(hint)
  if (code === 'argument.invalid') showUsage(command === null ? commands : [command], terminal, text)
  return exitCodeOf(code)
}

function settingHints({ key, line, nearest }: ErrorDetails, text: RelayText): readonly string[] {
  const name = (value: string | number | undefined): string | null =>
    typeof value === 'string' ? value : null
  return problemHints(
    { key: name(key), line: typeof line === 'number' ? line : null, nearest: name(nearest) },
    text,
  )
}

/** What the call, the settings or a file of persons has to be corrected for. */
const refusedInput = ['argument.', 'config.', 'account.', 'import.', 'approval.'] as const

function exitCodeOf(code: ErrorCode): number {
  if (refusedInput.some((prefix) => code.startsWith(prefix))) return exitCodes.arguments
  if (code === 'relay.portTaken' || code === 'relay.tlsRequired') return exitCodes.network
  return code.startsWith('relay.') || code === 'acts.damaged' ? exitCodes.data : exitCodes.failed
}
