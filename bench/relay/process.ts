import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

/** A server's process, ended with its whole tree. */
export interface ServerProcess {
  readonly pid: number
  readonly child: ChildProcess
  stop(): Promise<void>
}

export function startServer(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): ServerProcess {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const gone = once(child, 'close')
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  const end = (): void => {
    for (const member of treeOf(pid)) killIfThere(member)
  }
  // A measurement that fails leaves nothing running behind.
  process.once('exit', end)
  return {
    pid,
    child,
    stop: async () => {
      end()
      await gone
      process.off('exit', end)
    },
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** The address in the line `{"listening": …}`. */
export async function listeningAddress({ child }: ServerProcess): Promise<string> {
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout })) {
      const value: unknown = JSON.parse(line)
      if (typeof value === 'object' && value !== null && 'listening' in value) return String(value.listening)
    }
  }
  throw new Error('the server ended before it listened')
}

/** Settles once something listens there. */
export async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true))
      socket.on('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await wait(100)
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** The process and everything below it. */
function treeOf(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readOrNull(`/proc/${name}/stat`) : null
    if (stat !== null) parents.set(Number(name), Number(fieldsOf(stat)[1]))
  }
  const found = [pid]
  for (const member of found) for (const [child, parent] of parents) if (parent === member) found.push(child)
  return found
}

/** What follows the name in parentheses: state, parent … */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const ticksPerSecond = 100

/** Seconds of processor that the tree has used. */
export function processorSeconds(pid: number): number {
  const ticks = treeOf(pid).map((member) => {
    const fields = fieldsOf(readOrNull(`/proc/${member}/stat`) ?? ')')
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  })
  return ticks.reduce((sum, value) => sum + value, 0) / ticksPerSecond
}

/** Seconds of processor that the whole machine has used, by everybody. */
export function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + soft) / ticksPerSecond
}

/** The tree's share of memory, in bytes. */
export function proportionalBytes(pid: number): number {
  const sizes = treeOf(pid).map((member) => {
    const rollup = readOrNull(`/proc/${member}/smaps_rollup`) ?? ''
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0)
  })
  return sizes.reduce((sum, value) => sum + value, 0) * 1_024
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
