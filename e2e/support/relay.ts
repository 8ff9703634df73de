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

/** A real relay process over one data folder; it may be killed and started again on the same port. */
export interface RelayProcess {
  readonly data: string
  readonly address: () => string
  /** Standard error of all its runs: the log. */
  readonly log: () => string
  start(): Promise<void>
  /** Ends it as an administrator does. */
  stop(): Promise<void>
  /** Ends it as a power cut does. */
  kill(): Promise<void>
  /** Text of a new invitation. */
  invite(invitee: Invitee): Promise<string>
}

async function command(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args])
  return stdout
}

/** Makes a data folder for the organisation; `start` runs the relay on a free port of loopback. */
export async function createRelay(data: string, organisation: string): Promise<RelayProcess> {
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
      const args = [program, 'run', '--data', data, '--port', port]
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      child = started
      started.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
      const line = await Promise.race([
        once(createInterface(started.stdout), 'line').then(([first]) => String(first)),
        once(started, 'exit').then(() => Promise.reject(new Error(`the relay did not start:\n${log}`))),
      ])
      address = (JSON.parse(line) as { listening: string }).listening
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async invite({ name, title, service, organisation: other }) {
      const optional = { title, service, organisation: other }
      const args = Object.entries(optional).flatMap(([key, value]) =>
        value === undefined ? [] : [`--${key}`, value],
      )
      const answer = await command([
        'invite',
        '--data',
        data,
        '--name',
        name,
        '--address',
        address,
        '--json',
        ...args,
      ])
      return (JSON.parse(answer) as { text: string }).text
    },
  }
}
