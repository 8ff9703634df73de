import { execute } from './command/execute.ts'

/** The `valise-relay` command. */
const locale = process.env['LC_ALL'] || process.env['LC_MESSAGES'] || process.env['LANG'] || ''

const ended = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve())
  process.once('SIGINT', () => resolve())
})

process.umask(0o077)

process.exitCode = await execute(process.argv.slice(2), {
  language: locale.startsWith('fr') ? 'fr' : 'en',
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
  ended,
})
