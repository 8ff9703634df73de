import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { CodedError } from '../../base/errors.ts'
import { limits } from '../../wire/limits.ts'

/** One call of `valise-relay`, understood. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'init'; readonly data: string; readonly name: string; readonly trustRootOut?: string }
  | InviteCommand
  | { readonly kind: 'release'; readonly data: string; readonly account: string; readonly device: number }
  | { readonly kind: 'renewCertificate'; readonly data: string; readonly trustRoot: string }
  | RunCommand

export interface InviteCommand {
  readonly kind: 'invite'
  readonly data: string
  readonly address: string
  /** A new person, or an account that there is already. */
  readonly name?: string
  readonly account?: string
  readonly title?: string
  readonly service?: string
  readonly organisation?: string
  /** A PEM file. */
  readonly certificate?: string
  readonly json: boolean
}

export interface RunCommand {
  readonly kind: 'run'
  readonly data: string
  readonly port: number
  readonly host: string
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly logLevel: LogLevel
  readonly maxDatabaseBytes?: number
}

export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const options = {
  init: { data: text, name: text, 'trust-root-out': text },
  invite: {
    data: text,
    name: text,
    account: text,
    title: text,
    service: text,
    organisation: text,
    address: text,
    certificate: text,
    json: flag,
  },
  release: { data: text, account: text, device: text },
  'renew-certificate': { data: text, 'trust-root': text },
  run: {
    data: text,
    port: text,
    host: text,
    certificate: text,
    key: text,
    'log-level': text,
    'max-database-megabytes': text,
  },
} as const satisfies Record<string, ParseArgsOptionsConfig>

type Name = keyof typeof options

/** Throws `argument.invalid`, with the option in its details where one is to blame. */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help') return { kind: 'help' }
  if (!isName(name)) throw new CodedError('argument.invalid')
  const values = new Values(name, rest)
  switch (name) {
    case 'init':
      return {
        kind: 'init',
        data: values.needed('data'),
        name: values.needed('name'),
        ...values.given('trustRootOut', 'trust-root-out'),
      }
    case 'invite':
      return invite(values)
    case 'release':
      return {
        kind: 'release',
        data: values.needed('data'),
        account: values.needed('account'),
        device: values.number('device', 1, limits.deviceIdMax) ?? missing('device'),
      }
    case 'renew-certificate':
      return { kind: 'renewCertificate', data: values.needed('data'), trustRoot: values.needed('trust-root') }
    case 'run':
      return run(values)
  }
}

function isName(name: string): name is Name {
  return Object.hasOwn(options, name)
}

function invite(values: Values): InviteCommand {
  return {
    kind: 'invite',
    data: values.needed('data'),
    address: values.needed('address'),
    ...whom(values),
    ...values.given('title', 'title'),
    ...values.given('service', 'service'),
    ...values.given('organisation', 'organisation'),
    ...values.given('certificate', 'certificate'),
    json: values.flag('json'),
  }
}

function whom(values: Values): Pick<InviteCommand, 'name' | 'account'> {
  if (values.text('account') === undefined) return { name: values.needed('name') }
  // What the directory says of an account does not change with an invitation.
  for (const option of ['name', 'title', 'service', 'organisation'] as const) {
    if (values.text(option) !== undefined) return missing(option)
  }
  return { account: values.needed('account') }
}

function run(values: Values): RunCommand {
  const megabytes = values.number('max-database-megabytes', 1, 1_000_000_000)
  return {
    kind: 'run',
    data: values.needed('data'),
    port: values.number('port', 0, 65_535) ?? missing('port'),
    host: values.text('host') ?? '127.0.0.1',
    ...tlsOf(values.text('certificate'), values.text('key')),
    logLevel: values.oneOf('log-level', logLevels) ?? 'info',
    ...(megabytes === undefined ? {} : { maxDatabaseBytes: megabytes * 1024 * 1024 }),
  }
}

function tlsOf(certificate: string | undefined, key: string | undefined): Pick<RunCommand, 'tls'> {
  if (certificate === undefined && key === undefined) return {}
  return { tls: { certificate: certificate ?? missing('certificate'), key: key ?? missing('key') } }
}

function missing(option: string): never {
  throw new CodedError('argument.invalid', { option })
}

/** The values of one call, read by what they have to be. */
class Values {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(name: Name, args: readonly string[]) {
    try {
      this.#values = parseArgs({ args: [...args], options: options[name], strict: true }).values
    } catch (thrown) {
      throw new CodedError('argument.invalid', {}, { cause: thrown })
    }
  }

  text(option: string): string | undefined {
    const value = this.#values[option]
    return typeof value === 'string' ? value : undefined
  }

  needed(option: string): string {
    const value = this.text(option)?.trim()
    return value === undefined || value === '' ? missing(option) : value
  }

  given<K extends string>(key: K, option: string): Partial<Record<K, string>> {
    const value = this.text(option)
    // The one key is `K` by construction; a computed key's type is wider.
    return value === undefined ? {} : ({ [key]: value } as Record<K, string>)
  }

  flag(option: string): boolean {
    return this.#values[option] === true
  }

  number(option: string, min: number, max: number): number | undefined {
    const value = this.text(option)
    if (value === undefined) return undefined
    const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN
    return number >= min && number <= max ? number : missing(option)
  }

  oneOf<T extends string>(option: string, allowed: readonly T[]): T | undefined {
    const value = this.text(option)
    if (value === undefined) return undefined
    return allowed.find((candidate) => candidate === value) ?? missing(option)
  }
}
