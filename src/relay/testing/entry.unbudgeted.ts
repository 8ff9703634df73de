import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { startRelay } from '../index.ts'
import { relayLog } from '../log.ts'

/** `run --data DIR --port N [--tls-certificate FILE --tls-key FILE]`: a relay whose budgets no load reaches, for tests and benchmarks. */
const endless = { requests: 1_000_000_000, perMs: 60_000 }
const burst = { burst: 1_000_000_000, perSecond: 1_000_000_000 }
const budgets = {
  address: endless,
  link: endless,
  anonymous: endless,
  recipientBundle: endless,
  upgrade: endless,
  code: endless,
  device: endless,
  bundle: endless,
  directory: endless,
  put: burst,
  generation: burst,
  anonymousPut: burst,
}

const text = { type: 'string' } as const
const { values } = parseArgs({
  allowPositionals: true,
  options: { data: text, port: text, 'log-level': text, 'tls-certificate': text, 'tls-key': text },
})
const { 'tls-certificate': certificate, 'tls-key': key } = values
const tls =
  certificate === undefined || key === undefined
    ? {}
    : { tls: { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') } }

const log = pino(
  { level: values['log-level'] ?? 'info', base: null },
  pino.destination({ dest: 2, sync: true }),
)
const relay = await startRelay({
  data: values.data ?? '',
  port: Number(values.port ?? 0),
  budgets,
  log: relayLog(log),
  ...tls,
})
process.stdout.write(`${JSON.stringify({ listening: relay.address })}\n`)
await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
await relay.stop()
