import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { fromBase64Url, type Bytes } from '../../base/bytes.ts'

const run = promisify(execFile)
const bundle = resolve(import.meta.dirname, '../../../out/relay/entry.relay.js')

/** The relay's native store is built for one Node; tests that run under another name that one. */
const node = process.env['VALISE_NODE20'] ?? process.execPath

const startsInARow = 10
const restMs = 1_000

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** For tests: the real relay in a process of its own, which can be killed. */
export class RelayProcess {
  readonly data: string
  address = ''
  #child: ChildProcess | null = null

  readonly #tls: TlsFiles | null

  private constructor(data: string, tls: TlsFiles | null) {
    this.data = data
    this.#tls = tls
  }

  static async start(tls: TlsFiles | null = null): Promise<RelayProcess> {
    if (!existsSync(bundle)) throw new Error('the relay is not built: npm run build')
    const relay = new RelayProcess(join(mkdtempSync(join(tmpdir(), 'valise-relay-')), 'data'), tls)
    await run(node, [bundle, 'init', '--data', relay.data, '--name', 'Ministère des essais'])
    await relay.up()
    return relay
  }

  /** Starts it again on the same port, which another program may have for a moment. */
  async up(): Promise<void> {
    for (let tries = 1; !(await this.#starts()); tries += 1) {
      if (tries === startsInARow) throw new Error('the relay ended before it listened')
      await new Promise((resolve) => setTimeout(resolve, restMs))
    }
  }

  /** False when it ended before it listened. */
  async #starts(): Promise<boolean> {
    const port = this.address === '' ? '0' : new URL(this.address).port
    const tls = this.#tls === null ? [] : ['--certificate', this.#tls.certificate, '--key', this.#tls.key]
    const parts = ['run', '--data', this.data, '--port', port, '--log-level', 'silent', ...tls]
    const child = spawn(node, [bundle, ...parts], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    for await (const line of createInterface({ input: child.stdout })) {
      const said: unknown = JSON.parse(line)
      if (typeof said === 'object' && said !== null && 'listening' in said)
        this.address = String(said.listening)
      return true
    }
    return false
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const exited = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await exited
  }

  /** The text of an invitation for a new account, with the pin of its own certificate or of another one. */
  async invite(
    name: string,
    certificate = this.#tls?.certificate ?? null,
    address = this.address,
  ): Promise<string> {
    const pin = certificate === null ? [] : ['--certificate', certificate]
    return await this.#invitation(['--name', name, ...pin], address)
  }

  /** A new invitation for an account that is enrolled: whoever uses it is its only device. */
  async inviteAgain(accountId: string): Promise<string> {
    return await this.#invitation(['--account', accountId])
  }

  /** One of the administrator's commands, beside the relay: `['accounts', 'disable', '--account', ID]`. */
  async administer(parts: readonly string[]): Promise<void> {
    await run(node, [bundle, ...parts, '--data', this.data])
  }

  async #invitation(parts: readonly string[], address = this.address): Promise<string> {
    const all = ['invite', '--data', this.data, '--address', address, ...parts, '--json']
    const { stdout } = await run(node, [bundle, ...all])
    const said: unknown = JSON.parse(stdout)
    if (typeof said !== 'object' || said === null || !('text' in said)) throw new Error('no invitation')
    return String(said.text)
  }

  /** What the administrator keeps elsewhere: with it a test certifies what it likes. */
  trustRootPrivateKey(): Bytes {
    const key = fromBase64Url(readFileSync(join(this.data, 'offline', 'trust-root.key'), 'utf8').trim())
    if (key === null) throw new Error('no trust root')
    return key
  }

  async end(): Promise<void> {
    await this.kill('SIGTERM')
    rmSync(join(this.data, '..'), { recursive: true, force: true })
  }
}
