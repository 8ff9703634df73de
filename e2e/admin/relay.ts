import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('../../out/relay/entry.relay.js', import.meta.url))
const run = promisify(execFile)

/** The built relay as an administrator runs it, with its page on a free port of this machine. */
export class AdminRelay {
  readonly #folder: string
  readonly #process: ChildProcess
  /** Of the page. */
  readonly origin: string
  readonly #address: string

  private constructor(folder: string, child: ChildProcess, said: { admin: string; listening: string }) {
    this.#folder = folder
    this.#process = child
    this.origin = said.admin
    this.#address = said.listening
  }

  static async start(): Promise<AdminRelay> {
    const folder = await mkdtemp(join(tmpdir(), 'valise-admin-'))
    const data = join(folder, 'relay')
    await run(process.execPath, [program, 'init', '--data', data, '--name', 'Ministère des essais'])
    const args = ['run', '--data', data, '--port', '0', '--admin-port', '0', '--log-level', 'silent']
    const child = spawn(process.execPath, [program, ...args, '--address', 'http://127.0.0.1:8443'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return new AdminRelay(folder, child, JSON.parse(line) as { admin: string; listening: string })
  }

  /** What a command says, as JSON. */
  async command<T>(...args: readonly string[]): Promise<T> {
    const { stdout } = await run(process.execPath, [program, ...args, '--data', join(this.#folder, 'relay')])
    return JSON.parse(stdout) as T
  }

  /** An account, invited and not enrolled: enough to sign in here. */
  async account(name: string, role: string): Promise<string> {
    const args = ['invite', '--name', name, '--role', role, '--address', this.#address, '--json']
    const { accountId } = await this.command<{ accountId: string }>(...args)
    return accountId
  }

  /** The link by which an account registers a second factor. */
  async link(account: string): Promise<string> {
    const args = ['second-factor', '--account', account, '--admin-address', this.origin, '--json']
    return (await this.command<{ url: string }>(...args)).url
  }

  async end(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
    await rm(this.#folder, { recursive: true, force: true })
  }
}
