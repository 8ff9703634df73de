import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { connectEngine } from '../port.ts'
import type { VictimOptions } from './entry.victim.ts'
import type { MakeHost } from './workstation.ts'

const outFolder = resolve(import.meta.dirname, '../../../out')

/** The victim's program, bundled for a child process; `remove` when done. */
export interface VictimProgram {
  /** An engine in a process of its own that dies at a point, or that lives when there is none. */
  host(crash: VictimOptions['crash']): MakeHost
  remove(): void
}

export async function bundleVictim(): Promise<VictimProgram> {
  mkdirSync(outFolder, { recursive: true })
  const folder = mkdtempSync(join(outFolder, 'test-victim-'))
  const file = join(folder, 'entry.victim.mjs')
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'entry.victim.ts'),
    platform: 'node',
    external: [/^node:/, /^@signalapp\//],
    logLevel: 'silent',
  })
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  return {
    host: (crash) => (engine, keyStore) => {
      const options: VictimOptions = { engine, crash }
      const child = spawn(process.execPath, [file, JSON.stringify(options)], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        serialization: 'advanced',
      })
      // Writing to a process that has just died is what these tests are about.
      child.on('error', () => undefined)
      const exited = new Promise<void>((done) => child.once('exit', () => done()))
      const host = connectEngine(
        {
          postMessage: (value) => void (child.connected && child.send(value as object)),
          onMessage: (listener) => void child.on('message', listener),
          onExit: (listener) => void child.once('exit', (code) => listener(code ?? 1)),
          terminate: async () => {
            child.kill('SIGKILL')
            await exited
          },
        },
        keyStore,
      )
      return { host, start: () => Promise.resolve(), exited }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
