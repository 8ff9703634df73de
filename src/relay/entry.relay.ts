import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execute } from './command/execute.ts'

/** The `valise-relay` command. */
const locale = process.env['LC_ALL'] || process.env['LC_MESSAGES'] || process.env['LANG'] || ''

const ended = new Promise<void>((resolve) => {
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait. What was acknowledged is on disk already.
      if (asked) process.exit(1)
      asked = true
      resolve()
    })
  }
})

/** Of the package that this program was built from, which lies two folders above it. */
function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}

/** What is still open then belongs to a server that does not answer, in milliseconds. */
const lingerMs = 1_000

process.umask(0o077)

/** Built beside this program. */
const page = fileURLToPath(new URL('./admin', import.meta.url))

process.exitCode = await execute(process.argv.slice(2), {
  language: locale.startsWith('fr') ? 'fr' : 'en',
  version: packageVersion(),
  ...(existsSync(page) ? { page } : {}),
  environment: process.env,
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
  ended,
  onReload: (listener) => process.on('SIGHUP', listener),
})

setTimeout(() => process.exit(), lingerMs).unref()
