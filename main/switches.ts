import { CodedError } from '../src/base/errors.ts'

/**
 * The only switches that a packaged Valise takes. A list of what is allowed, not of what is dangerous: no fuse blocks
 * `--remote-debugging-port`, and Chromium has hundreds of others (`--load-extension`, `--js-flags`, `--no-sandbox` …).
 */
const allowed: ReadonlySet<string> = new Set([
  'profile',
  'lang',
  'password-store',
  'ozone-platform',
  'ozone-platform-hint',
  'disable-gpu',
  'force-device-scale-factor',
  'force-prefers-reduced-motion',
  // Electron adds these to the command line that it hands to a first instance on Windows.
  'allow-file-access-from-files',
  'original-process-start-time',
])

/** The bare name of a switch as Chromium reads it (`--a=b`, `-a`, on Windows also `/a`), or null for anything else. */
export function switchName(argument: string, platform: NodeJS.Platform): string | null {
  const prefix = ['--', '-', ...(platform === 'win32' ? ['/'] : [])].find((known) =>
    argument.startsWith(known),
  )
  if (prefix === undefined || argument === '-' || argument === '--') return null
  return argument.slice(prefix.length).split('=', 1).join('').toLowerCase()
}

/**
 * Refuses a packaged start with any switch outside the list (`switch.refused`, `name` in the details). `argv` without
 * the program. Unpackaged builds take every switch, for Playwright drives them by some.
 */
export function refuseSwitches(argv: readonly string[], platform: NodeJS.Platform, packaged: boolean): void {
  if (!packaged) return
  for (const argument of argv) {
    const name = switchName(argument, platform)
    if (name !== null && !allowed.has(name)) throw new CodedError('switch.refused', { name })
  }
}

/** The value of `--profile=DIR`; null when it is not given. Throws `argument.invalid` for an empty or a second one. */
export function profileSwitch(argv: readonly string[]): string | null {
  const given = argv.filter((argument) => argument === '--profile' || argument.startsWith('--profile='))
  const [first] = given
  if (first === undefined) return null
  const value = first.slice('--profile='.length)
  if (given.length > 1 || value === '') throw new CodedError('argument.invalid', { name: 'profile' })
  return value
}
