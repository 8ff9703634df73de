import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { reportOf } from '../base/errors.ts'
import { Engine } from '../engine/index.ts'
import type { OsKeyStore } from '../engine/index.ts'
import { readLinuxPolicy } from '../policy/index.ts'
import { createText, errorText } from '../text/index.ts'
import { languageOf, parseCommandLine, type CommandLine } from './arguments.ts'
import { noticeNames } from './notices.ts'
import { passphraseFromDescriptor, passphraseFromTerminal } from './passphrase.ts'
import { methods } from './rpc.ts'
import { serve } from './serve.ts'

const language = languageOf(process.env)
const text = createText(language)

/** After a signal, what was written before gets this long to be read. */
const farewellMs = 1_000

/** The command line has a passphrase slot only: there may be no session whose key store could answer. */
const noKeyStore: OsKeyStore = {
  available: () => Promise.resolve(false),
  wrap: () => Promise.reject(new Error('no key store')),
  unwrap: () => Promise.reject(new Error('no key store')),
}

/** Of the package that this program was built from, which lies two folders above it. */
function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}

async function run(command: Extract<CommandLine, { kind: 'run' }>): Promise<void> {
  const passphrase =
    command.passphraseFd === null
      ? await passphraseFromTerminal(`${text('cli.passphrase')} `)
      : passphraseFromDescriptor(command.passphraseFd)
  const { policy, findings } = await readLinuxPolicy()
  const engine = new Engine(
    {
      profile: resolve(command.profile),
      policy,
      policyFindings: findings,
      version: packageVersion(),
      locale: language,
      deviceName: hostname().slice(0, 64),
    },
    noKeyStore,
    systemClock,
  )
  // Once each: who asks a second time means it, and the system ends the program.
  const ending = new AbortController()
  const { signal } = ending
  const stop = (): void => ending.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  await engine.start()
  try {
    const sentence = (code: Parameters<typeof errorText>[1]): string => errorText(text, code)
    await serve({ engine, input: process.stdin, output: process.stdout, passphrase, sentence, signal })
  } finally {
    await engine.stop()
    // Neither an input that stays open nor an output that nobody reads holds the program.
    process.stdin.destroy()
    if (signal.aborted) setTimeout(() => process.exit(), farewellMs).unref()
  }
}

function usage(): string {
  return text('cli.usage', { methods: [...methods].join(', '), notices: noticeNames.join(', ') })
}

async function main(): Promise<number> {
  // SECURITY 1: whatever is written is for this user alone.
  process.umask(0o077)
  try {
    const command = parseCommandLine(process.argv.slice(2))
    if (command.kind === 'help') process.stdout.write(`${usage()}\n`)
    else await run(command)
    return 0
  } catch (error) {
    const { code } = reportOf(error)
    process.stderr.write(`${errorText(text, code)} (${code})\n`)
    return code === 'internal' ? 1 : 2
  }
}

process.exitCode = await main()
