import { createHash } from 'node:crypto'
import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '../../base/errors.ts'

/** What lies in a profile's folder. Everything but the vault itself is free of content. */
export interface ProfileFiles {
  readonly folder: string
  readonly vault: string
  /** The vault while it is being made. */
  readonly newVault: string
  readonly slots: string
  readonly sidecar: string
}

export function profileFiles(folder: string): ProfileFiles {
  return {
    folder,
    vault: join(folder, 'vault.db'),
    newVault: join(folder, 'vault.db.new'),
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

const companions = ['', '-wal', '-shm'] as const

/** Removes a vault whose enrolment never came about: it holds keys that the relay does not know, and no message. */
export function removeUnusedVault(files: ProfileFiles): void {
  for (const vault of [files.vault, files.newVault]) {
    for (const companion of companions) rmSync(vault + companion, { force: true })
  }
  rmSync(files.slots, { force: true })
}

/**
 * Gives vault and slots names that say when they were put aside; they open together under them. The slots go last, for
 * slots without a vault are harmless after a kill.
 */
export function setVaultAside(files: ProfileFiles, now: number): void {
  const aside = `.aside-${new Date(now).toISOString().replaceAll(/[:.]/g, '')}`
  for (const companion of companions) {
    if (existsSync(files.vault + companion))
      renameSync(files.vault + companion, files.vault + aside + companion)
  }
  if (existsSync(files.slots)) renameSync(files.slots, files.slots + aside)
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
