import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'

/** A real PostgreSQL of its own, reached by a socket in its folder; it ends with this process at the latest. */
export interface PostgresServer {
  /** A new, empty database: its URL. */
  database(): Promise<string>
  /** The pid of the server; its children have others. */
  readonly pid: number
  /** Stops it in order, or as it stands with all its processes; settles when it has ended. */
  stop(signal: 'SIGKILL' | 'SIGINT'): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  end(): Promise<void>
}

export interface PostgresServerOptions {
  /** Left out: no fsync, for tests of what is answered and not of what survives. */
  readonly durable?: boolean
}

const folderOfVersions = '/usr/lib/postgresql'
const oldest = 15

export async function postgresServer(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const bin = binaries()
  const user = serverUser()
  const folder = await mkdtemp(join(tmpdir(), 'valise-pg-'))
  if (user !== null) await chown(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const initArgs = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N']
  execFileSync(join(bin, 'initdb'), initArgs, { stdio: 'ignore', cwd: folder, ...user })
  const args = ['-D', data, '-k', folder, ...settings(options).flatMap((setting) => ['-c', setting])]
  const launch = (): ChildProcess =>
    spawn(join(bin, 'postgres'), args, { stdio: 'ignore', cwd: folder, ...user })
  let server = launch()
  const atExit = (): void => {
    server.kill('SIGINT')
  }
  process.once('exit', atExit)
  const urlOf = (name: string): string => `postgres://postgres@localhost/${name}?host=${folder}`
  const stop = async (signal: 'SIGKILL' | 'SIGINT'): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    const children = signal === 'SIGKILL' ? await childrenOf(server.pid ?? 0) : []
    server.kill(signal)
    for (const child of children) killed(child)
    await ended
  }
  await ready(urlOf('postgres'), () => undefined)
  let made = 0
  return {
    get pid() {
      return server.pid ?? 0
    },
    database: async () => {
      const name = `relay_${made++}`
      await administer(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    stop,
    start: async () => {
      server = launch()
      await ready(urlOf('postgres'), () => {
        // After a kill it does not start before the last of the old processes is gone.
        if (server.exitCode !== null) server = launch()
      })
    },
    end: async () => {
      await stop('SIGINT')
      process.off('exit', atExit)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** By the parents that /proc names. */
async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // After the command's name, which may hold anything: state, parent.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    }),
  )
  return pids.filter((_pid, n) => parents[n] === parent)
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

function settings({ durable = false }: PostgresServerOptions): string[] {
  const usual = ['listen_addresses=', 'max_connections=100', 'shared_buffers=64MB', 'logging_collector=off']
  return durable ? usual : [...usual, 'fsync=off', 'full_page_writes=off']
}

function binaries(): string {
  const versions = existsSync(folderOfVersions) ? readdirSync(folderOfVersions).map(Number) : []
  const version = Math.max(0, ...versions.filter((one) => one >= oldest))
  if (version === 0) throw new Error('PostgreSQL 15 or newer is not installed: apt-get install postgresql-15')
  return join(folderOfVersions, String(version), 'bin')
}

/** PostgreSQL does not run as root: it runs as the user of Debian's package then. Null for an ordinary user. */
function serverUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Statements on a connection of its own, as the administrator of the server; the rows of the last one. */
export async function administer(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const results = [await client.query<Record<string, unknown>>(sql)].flat()
    return results.at(-1)?.rows ?? []
  } finally {
    await client.end()
  }
}

const readyMs = 100_000

async function ready(url: string, again: () => void): Promise<void> {
  const until = performance.now() + readyMs
  for (;;) {
    try {
      await administer(url, 'SELECT 1')
      return
    } catch (thrown) {
      if (performance.now() > until) throw thrown
      again()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
