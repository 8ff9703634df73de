import { createHash } from 'node:crypto'
import { existsSync, realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '../base/errors.ts'

/** What lies in a profile's folder. Everything but the vault itself is free of content. */
export interface ProfileFiles {
  readonly folder: string
  readonly vault: string
  readonly slots: string
  readonly sidecar: string
}

export function profileFiles(folder: string): ProfileFiles {
  return {
    folder,
    vault: join(folder, 'vault.db'),
    slots: join(folder, 'keyslots.json'),
    sidecar: join(folder, 'journal.sidecar'),
  }
}

export function vaultExists(files: ProfileFiles): boolean {
  return existsSync(files.vault)
}

/** True when a vault was ever enrolled here: its journal's sidecar begins with the enrolment. */
export function wasInUse(files: ProfileFiles): boolean {
  return existsSync(files.sidecar)
}

/** Removes a vault whose enrolment never came about: it holds keys that the relay does not know, and no message. */
export function removeUnusedVault(files: ProfileFiles): void {
  for (const file of [files.vault, `${files.vault}-wal`, `${files.vault}-shm`, files.slots]) {
    rmSync(file, { force: true })
  }
}

/**
 * Holds a profile for one engine, whoever runs it (the application, the command line). It ends with the process:
 * an abstract socket on Linux and a pipe on Windows leave nothing behind; elsewhere a socket file that nobody answers
 * on is taken over. Throws `profile.inUse`.
 */
export async function lockProfile(folder: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)
  const path = lockPath(name)
  const server = createServer((socket) => socket.destroy())
  if (!(await listens(server, path))) {
    if (isFile(path) && !(await isAnswered(path))) rmSync(path, { force: true })
    if (!(await listens(server, path))) throw new CodedError('profile.inUse')
  }
  server.unref()
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
    })
}

function lockPath(name: string): string {
  switch (process.platform) {
    case 'linux':
      return `\0valise-${name}`
    case 'win32':
      return String.raw`\\.\pipe\valise-${name}`
    default:
      return join(tmpdir(), `valise-${name}.sock`)
  }
}

const isFile = (path: string): boolean => path.startsWith('/')

function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const fail = (): void => resolve(false)
    server.once('error', fail)
    server.listen(path, () => {
      server.off('error', fail)
      resolve(true)
    })
  })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
