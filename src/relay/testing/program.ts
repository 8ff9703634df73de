import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const relayFolder = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Within the project, so that the bundle finds the native packages that stay outside it. */
const outFolder = join(relayFolder, '..', '..', 'out')

/** The `valise-relay` program, bundled for a child process (Node 20 reads no TypeScript). */
export interface RelayProgram {
  run(args: readonly string[], env?: Record<string, string>): Promise<ProgramResult>
  /** Starts `run` and settles once it listens. */
  listen(data: string, args?: readonly string[], env?: Record<string, string>): Promise<ListeningProgram>
  remove(): Promise<void>
}

export interface ProgramResult {
  readonly exitCode: number | null
  readonly out: string
  readonly error: string
}

export interface ListeningProgram {
  readonly address: string
  readonly process: ChildProcess
  /** All that was written to standard error so far: the log. */
  log(): string
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | null>
}

/** A fault that is put into the program, so that a test shows that it finds such a fault. */
export interface PlantedFault {
  /** Has to be there, exactly once. */
  readonly instead: string
  readonly planted: string
}

export interface ProgramOptions {
  readonly fault?: PlantedFault
  /** No budget counts: `entry.unbudgeted.ts`, which has `run` alone. */
  readonly unbudgeted?: boolean
}

export async function bundleRelay(options: ProgramOptions = {}): Promise<RelayProgram> {
  await mkdir(outFolder, { recursive: true })
  const folder = await mkdtemp(join(outFolder, 'test-relay-'))
  const file = join(folder, 'entry.relay.js')
  const bundle = await rolldown({
    input: join(relayFolder, options.unbudgeted === true ? 'testing/entry.unbudgeted.ts' : 'entry.relay.ts'),
    platform: 'node',
    external: [/^@signalapp\//, 'better-sqlite3'],
    logLevel: 'silent',
  })
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  if (options.fault !== undefined) await plant(file, options.fault)
  return {
    run: async (args, env) => collect(start(file, args, env)),
    listen: async (data, args = [], env = {}) =>
      listening(start(file, ['run', '--data', data, '--port', '0', ...args], env)),
    remove: async () => rm(folder, { recursive: true, force: true }),
  }
}

async function plant(file: string, { instead, planted }: PlantedFault): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(instead)
  if (parts.length !== 2) throw new Error(`${instead} stands ${parts.length - 1} times in the program`)
  await writeFile(file, parts.join(planted))
}

function start(file: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [file, ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
}

async function collect(child: ChildProcess): Promise<ProgramResult> {
  const out = gather(child.stdout)
  const error = gather(child.stderr)
  await once(child, 'close')
  return { exitCode: child.exitCode, out: out(), error: error() }
}

function gather(stream: ChildProcess['stdout']): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}

async function listening(child: ChildProcess): Promise<ListeningProgram> {
  const log = gather(child.stderr)
  const ended = once(child, 'close')
  const address = await firstLine(child)
  if (address === null) throw new Error(`the relay did not start: ${log()}`)
  return {
    address,
    process: child,
    log,
    kill: async (signal) => {
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string | null> {
  if (child.stdout === null) return null
  for await (const line of createInterface({ input: child.stdout })) {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'listening' in value
      ? String(value.listening)
      : null
  }
  return null
}
