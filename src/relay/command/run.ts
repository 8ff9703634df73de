import { pino } from 'pino'
import type { Language } from '../../text/relay.ts'
import type { PageInviting } from '../admin/handlers.ts'
import { redacted, relayLog, type RelayLog } from '../log.ts'
import { startRelay, type RelayOptions } from '../relay.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import type { LogLevel, Settings } from '../settings/settings.ts'
import { settingOptions, type Command, type Terminal } from './command.ts'
import { settingsOf } from './place.ts'
import { readGiven } from './readGiven.ts'
import { missing } from './values.ts'

const megabyte = 1024 * 1024

export const run: Command = {
  name: 'run',
  usage: 'relayCommand.usage.run',
  options: settingOptions,
  run: async (call) => {
    const { terminal } = call
    const settings = await settingsOf(call)
    const megabytes = settings['database.maxMegabytes']
    const relay = await startRelay({
      data: settings.data ?? missing('data'),
      host: settings['listen.host'],
      port: settings['listen.port'],
      ...(await tlsOf(settings)),
      tlsEndsAtProxy: settings['tls.endsAtProxy'],
      trustedProxies: settings['proxy.trusted'],
      ...(megabytes === null ? {} : { database: { maxBytes: megabytes * megabyte } }),
      ...alertMailOf(settings, terminal.language),
      blobs: {
        maxBytes: settings['blobs.maxMegabytes'] * megabyte,
        totalBytes: settings['blobs.totalMegabytes'] * megabyte,
        freeBytes: settings['blobs.freeMegabytes'] * megabyte,
      },
      operations: {
        host: settings['metrics.host'],
        port: settings['metrics.port'],
        version: terminal.version,
      },
      ...(await adminOf(settings, terminal)),
      times: { stopMs: settings['stop.seconds'] * 1_000 },
      log: stderrLog(settings['log.level']),
    })
    terminal.onReload(() => void relay.reload())
    const { address: listening, operations, admin } = relay
    terminal.out(JSON.stringify({ listening, operations, ...(admin === null ? {} : { admin }) }))
    await terminal.ended
    await relay.stop()
  },
}

function alertMailOf(settings: Settings, language: Language): Pick<RelayOptions, 'alertMail'> {
  const [program, ...args] = settings['alerts.command']
  return program === undefined ? {} : { alertMail: { command: [program, ...args], language } }
}

/** Where neither a port nor an address is set there is no page, and nobody is asked for a second factor. */
async function adminOf(settings: Settings, { page }: Terminal): Promise<Pick<RelayOptions, 'admin'>> {
  const { 'admin.port': port, 'admin.host': host, 'admin.address': address, address: relay } = settings
  if (port === null && address === null) return {}
  const listen = port === null ? null : { host, port }
  return { admin: { listen, address, relay, page: page ?? null, inviting: await invitingOf(settings) } }
}

/** A proxy's certificate is named to the command alone. */
async function invitingOf(settings: Settings): Promise<PageInviting | null> {
  const { address, 'tls.certificate': certificate } = settings
  if (address === null) return null
  if (!address.startsWith('https:')) return { address }
  return certificate === null ? null : { address, certificate: await readGiven('certificate', certificate) }
}

async function tlsOf(settings: Settings): Promise<Pick<RelayOptions, 'tls' | 'readTls'>> {
  const { 'tls.certificate': certificate, 'tls.key': key } = settings
  if (certificate === null || key === null) return {}
  const readTls = async (): Promise<TlsFiles> => ({
    certificate: await readGiven('certificate', certificate),
    key: await readGiven('key', key),
  })
  return { tls: await readTls(), readTls }
}

/** Standard output carries the one line that says where the relay listens; the log goes to standard error. */
function stderrLog(level: LogLevel): RelayLog {
  return relayLog(
    pino({ level, base: null, redact: [...redacted] }, pino.destination({ dest: 2, sync: true })),
  )
}
