import { pino } from 'pino'
import type { Language } from '../../text/index.ts'
import { redacted, relayLog, type RelayLog } from '../log.ts'
import { startRelay, type RelayOptions } from '../relay.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import type { LogLevel, Settings } from '../settings/settings.ts'
import { settingOptions, type Command } from './command.ts'
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
      times: { stopMs: settings['stop.seconds'] * 1_000 },
      log: stderrLog(settings['log.level']),
    })
    terminal.onReload(() => void relay.reload())
    terminal.out(JSON.stringify({ listening: relay.address, operations: relay.operations }))
    await terminal.ended
    await relay.stop()
  },
}

function alertMailOf(settings: Settings, language: Language): Pick<RelayOptions, 'alertMail'> {
  const [program, ...args] = settings['alerts.command']
  return program === undefined ? {} : { alertMail: { command: [program, ...args], language } }
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
