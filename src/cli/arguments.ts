import { parseArgs } from 'node:util'
import { CodedError } from '../base/errors.ts'
import type { Language } from '../text/index.ts'

/** One start of the command-line workstation, understood. */
export type CommandLine =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run'
      readonly profile: string
      /** File descriptor that the passphrase is read from; null: it is asked at the terminal. */
      readonly passphraseFd: number | null
    }

/** Throws `argument.invalid`. A passphrase is never an argument: every user of the machine could read it. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const values = parsed(argv)
  if (values.help === true) return { kind: 'help' }
  if (values.profile === undefined || values.profile === '') {
    throw new CodedError('argument.invalid', { argument: '--profile' })
  }
  return { kind: 'run', profile: values.profile, passphraseFd: descriptor(values['passphrase-fd']) }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean' },
        profile: { type: 'string' },
        'passphrase-fd': { type: 'string' },
      },
    }).values
  } catch {
    throw new CodedError('argument.invalid')
  }
}

function descriptor(text: string | undefined): number | null {
  if (text === undefined) return null
  // 0 is where requests come from, 1 and 2 are written to.
  if (!/^([3-9]|[1-9]\d{1,3})$/.test(text))
    throw new CodedError('argument.invalid', { argument: '--passphrase-fd' })
  return Number(text)
}

/** French unless the locale of the environment says otherwise. */
export function languageOf(environment: Readonly<Record<string, string | undefined>>): Language {
  const locale = environment['LC_ALL'] ?? environment['LC_MESSAGES'] ?? environment['LANG'] ?? ''
  return locale === '' || locale.toLowerCase().startsWith('fr') ? 'fr' : 'en'
}
