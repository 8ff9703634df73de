import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const program = join(process.cwd(), 'out/relay/entry.relay.js')

export interface Invitee {
  readonly name: string
  readonly title?: string
  readonly service?: string
  readonly organisation?: string
}

/** Files of the certificate that the relay speaks TLS with. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** How an invitation differs from one of today for the relay as it stands. */
export interface InvitationMaking {
  /** The certificate whose pin it carries; the relay's own unless given. */
  readonly certificate?: string
  readonly address?: string
  /** For an account that is enrolled: its only device was lost. */
  readonly account?: string
  /** Made so many days ago: one of more than a week is no longer valid. */
  readonly daysAgo?: number
}

/** A real relay process over one data folder; it may be killed and started again on the same port. */
export interface RelayProcess {
  readonly data: string
  readonly address: () => string
  /** What all its runs wrote to standard output and error. */
  readonly log: () => string
  start(): Promise<void>
  /** Ends it as an administrator does. */
  stop(): Promise<void>
  /** Ends it as a power cut does. */
  kill(): Promise<void>
  /** Text of a new invitation. */
  invite(invitee: Invitee, making?: InvitationMaking): Promise<string>
}

async function command(args: readonly string[], nodeOptions: readonly string[] = []): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeOptions, program, ...args])
  return stdout
}

/** Options of Node for a process whose clock is late by so many days. */
function lateClock(days: number): string[] {
  const shift = `const now = Date.now; Date.now = () => now() - ${days * 24 * 3_600_000}`
  return days === 0 ? [] : ['--import', `data:text/javascript,${encodeURIComponent(shift)}`]
}

/** Makes a data folder for the organisation; `start` runs the relay on a free port of loopback. */
export async function createRelay(data: string, organisation: string, tls?: TlsFiles): Promise<RelayProcess> {
  await command(['init', '--data', data, '--name', organisation])
  let child: ChildProcess | null = null
  let address = ''
  let log = ''

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null) return
    const exited = once(ending, 'exit')
    ending.kill(signal)
    await exited
  }

  return {
    data,
    address: () => address,
    log: () => log,
    async start() {
      const port = address === '' ? '0' : new URL(address).port
      const secure = tls === undefined ? [] : ['--certificate', tls.certificate, '--key', tls.key]
      const args = [program, 'run', '--data', data, '--port', port, ...secure]
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      child = started
      started.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
      started.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
      const line = await Promise.race([
        once(createInterface(started.stdout), 'line').then(([first]) => String(first)),
        once(started, 'exit').then(() => Promise.reject(new Error(`the relay did not start:\n${log}`))),
      ])
      address = (JSON.parse(line) as { listening: string }).listening
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async invite({ name, title, service, organisation: other }, making = {}) {
      const certificate = making.certificate ?? tls?.certificate
      const whom =
        making.account === undefined
          ? { name, title, service, organisation: other }
          : { account: making.account }
      const args = Object.entries({ ...whom, certificate }).flatMap(([key, value]) =>
        value === undefined ? [] : [`--${key}`, value],
      )
      const to = ['--data', data, '--address', making.address ?? address, '--json']
      const answer = await command(['invite', ...to, ...args], lateClock(making.daysAgo ?? 0))
      return (JSON.parse(answer) as { text: string }).text
    },
  }
}
