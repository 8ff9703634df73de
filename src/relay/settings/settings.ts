import { z } from 'zod'
import { limits } from '../../wire/limits.ts'
import { isNumberOrigin, pageAddress } from '../admin/address.ts'
import { isNetwork } from './networks.ts'

/** How a value is written: as TOML has it, and as text in the environment and on the command line. */
export type SettingKind = 'text' | 'path' | 'number' | 'flag' | 'list'

interface Setting<T, D extends T | null> {
  readonly kind: SettingKind
  readonly schema: z.ZodType<T>
  /** Null: not set. */
  readonly standard: D
  /** Name of its command-line option; left out: the setting's own, with hyphens. */
  readonly option?: string
  /** For the documented file. */
  readonly example: NoInfer<T>
}

export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const line = z
  .string()
  .trim()
  .min(1)
  .max(4096)
  .regex(/^\P{Cc}*$/u)
const port = z.int().min(0).max(65_535)
const megabyte = 1024 * 1024
const megabytes = z.int().min(1).max(1_000_000_000)

/** Keeps the types of one entry; nothing else. */
function setting<T, const D extends T | null>(entry: Setting<T, D>): Setting<T, D> {
  return entry
}

/**
 * Every setting of the relay: the reader, the names in the environment, `help` and the documented file are made from
 * this table. To add one: its entry here, and its sentence in both catalogues under `relaySetting.NAME`.
 */
export const settingTable = {
  data: setting({
    kind: 'path',
    schema: line,
    standard: null,
    example: '/var/lib/valise-relay',
  }),
  address: setting({
    kind: 'text',
    schema: line,
    standard: null,
    example: 'https://relay.example:8443',
  }),
  'listen.host': setting({
    kind: 'text',
    schema: line.max(253),
    standard: '127.0.0.1',
    option: 'host',
    example: '0.0.0.0',
  }),
  'listen.port': setting({ kind: 'number', schema: port, standard: 8443, option: 'port', example: 8443 }),
  'tls.certificate': setting({
    kind: 'path',
    schema: line,
    standard: null,
    option: 'certificate',
    example: '/etc/valise-relay/relay.pem',
  }),
  'tls.key': setting({
    kind: 'path',
    schema: line,
    standard: null,
    option: 'key',
    example: '/etc/valise-relay/relay.key',
  }),
  'tls.endsAtProxy': setting({ kind: 'flag', schema: z.boolean(), standard: false, example: false }),
  'proxy.trusted': setting({
    kind: 'list',
    schema: z.array(line.refine(isNetwork)).max(100).readonly(),
    standard: [],
    example: ['10.0.0.0/8'],
  }),
  'metrics.host': setting({
    kind: 'text',
    schema: line.max(253),
    standard: '127.0.0.1',
    example: '127.0.0.1',
  }),
  'metrics.port': setting({ kind: 'number', schema: port, standard: 0, example: 9464 }),
  'admin.host': setting({
    kind: 'text',
    schema: line.max(253),
    standard: '127.0.0.1',
    example: '0.0.0.0',
  }),
  'admin.port': setting({ kind: 'number', schema: port, standard: null, example: 9443 }),
  'admin.address': setting({
    kind: 'text',
    schema: line.max(250).refine((text) => pageAddress(text) !== null || isNumberOrigin(text)),
    standard: null,
    example: 'https://relay.example:9443',
  }),
  'log.level': setting({ kind: 'text', schema: z.enum(logLevels), standard: 'info', example: 'info' }),
  'database.maxMegabytes': setting({
    kind: 'number',
    schema: megabytes,
    standard: null,
    option: 'max-database-megabytes',
    example: 20_000,
  }),
  'mail.command': setting({
    kind: 'list',
    schema: z.array(line).max(20),
    standard: [],
    example: ['/usr/sbin/sendmail', '-i'],
  }),
  'alerts.command': setting({
    kind: 'list',
    schema: z.array(line).max(20).readonly(),
    standard: [],
    example: ['/usr/sbin/sendmail', '-i', 'securite@ministere.example'],
  }),
  'blobs.maxMegabytes': setting({
    kind: 'number',
    schema: z
      .int()
      .min(1)
      .max(limits.blobBytes / megabyte),
    standard: limits.blobBytes / megabyte,
    example: 50,
  }),
  'blobs.totalMegabytes': setting({ kind: 'number', schema: megabytes, standard: 51_200, example: 200_000 }),
  'blobs.freeMegabytes': setting({
    kind: 'number',
    schema: z.int().min(0).max(1_000_000_000),
    standard: 1_024,
    example: 5_000,
  }),
  'stop.seconds': setting({
    kind: 'number',
    schema: z.int().min(1).max(600),
    standard: 20,
    example: 20,
  }),
} as const

export type SettingName = keyof typeof settingTable
type Entry = (typeof settingTable)[SettingName]

/** A setting's value: of its own type, or null where nothing stands for one that is not set. */
export type SettingValue<N extends SettingName> =
  z.output<(typeof settingTable)[N]['schema']> | Extract<(typeof settingTable)[N]['standard'], null>

export type Settings = { readonly [N in SettingName]: SettingValue<N> }

export const settingNames = Object.keys(settingTable).filter((name): name is SettingName =>
  Object.hasOwn(settingTable, name),
)

export function settingNamed(name: SettingName): Entry {
  return settingTable[name]
}

/** `tls.endsAtProxy` as `VALISE_RELAY_TLS_ENDS_AT_PROXY`. */
export function environmentName(name: SettingName): string {
  return `${environmentPrefix}${words(name).join('_').toUpperCase()}`
}

/** `tls.endsAtProxy` as `tls-ends-at-proxy`, or its own shorter one. */
export function optionName(name: SettingName): string {
  const { option } = settingTable[name] as { readonly option?: string }
  return option ?? words(name).join('-').toLowerCase()
}

export const environmentPrefix = 'VALISE_RELAY_'
/** Names the file of settings itself. */
export const configVariable = `${environmentPrefix}CONFIG`

function words(name: SettingName): readonly string[] {
  return name.replaceAll(/([A-Z])/g, '.$1').split('.')
}
