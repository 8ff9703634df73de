import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atMost, median, type Figure } from './figure.ts'

interface Run {
  /** Process creation to the second frame with content, ms. */
  readonly painted: number
  readonly ready: number
  /** PSS of the process tree 1.5 s later, MB: shared pages are counted once in all. */
  readonly memory: number
}

interface Subject {
  readonly name: string
  readonly arguments: (folder: string) => readonly string[]
}

const runs = 5
const settle = 1500
const patience = 20_000

const valise: Subject = {
  name: 'Valise',
  arguments: (folder) => [`--profile=${folder}/profile`, '--lang=fr', process.cwd()],
}
const bare: Subject = {
  name: 'a bare Electron window',
  arguments: (folder) => [`--user-data-dir=${folder}/bare`, join(process.cwd(), 'bench/bare')],
}

/** Start-up time and memory beside a bare Electron window, alternating; the median of five runs each. */
export async function run(): Promise<Figure[]> {
  const executable = process.env['VALISE_ELECTRON']
  if (executable === undefined) throw new Error('VALISE_ELECTRON names no Electron')
  const results = new Map<Subject, Run[]>([
    [valise, []],
    [bare, []],
  ])
  // One of each first, so that both find their files in the page cache.
  for (const subject of results.keys()) await runOnce(executable, subject)
  for (let round = 0; round < runs; round += 1) {
    for (const [subject, list] of results) list.push(await runOnce(executable, subject))
  }
  for (const [{ name }, list] of results) console.log(name, JSON.stringify(list))
  const compare = (name: string, unit: string, of: (one: Run) => number, goal: number): Figure => {
    const [own = [], floor = []] = [...results.values()].map((list) => list.map(of))
    return atMost({ name, unit, value: median(own), beside: { name: bare.name, value: median(floor) }, goal })
  }
  return [
    compare('process creation to first paint', 'ms', ({ painted }) => painted, 1.3),
    compare('process creation to ready', 'ms', ({ ready }) => ready, 1.3),
    compare('memory (PSS) of the process tree', 'MB', ({ memory }) => memory, 1.4),
  ]
}

async function runOnce(executable: string, subject: Subject): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'valise-start-'))
  const child = spawn(executable, subject.arguments(folder), {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, VALISE_BENCH: '1' },
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), patience)
  try {
    const marks = await firstPaint(child)
    await new Promise((resolve) => setTimeout(resolve, settle))
    return { ...marks, memory: treeMemory(child.pid ?? 0) }
  } finally {
    clearTimeout(limit)
    const exited = child.exitCode === null ? once(child, 'exit') : null
    child.kill('SIGKILL')
    await exited
    // Its children notice a moment later.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

async function firstPaint(child: ChildProcess): Promise<{ painted: number; ready: number }> {
  if (child.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('BENCH '))
      return JSON.parse(line.slice('BENCH '.length)) as { painted: number; ready: number }
  }
  throw new Error('the program ended before it painted')
}

/** Proportional set size of a process and all below it, MB; one that has just ended counts nothing. */
function treeMemory(pid: number): number {
  const rollup = read(`/proc/${pid}/smaps_rollup`)
  const own = Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) / 1024
  if (own === 0) return 0
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  )
  return children.reduce((sum, child) => sum + treeMemory(child), own)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
