import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
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

/** Makes the folder, 0700. Throws `profile.notWritable`. */
export function makeProfileFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CodedError('profile.notWritable', {}, { cause: error })
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
 * an abstract socket on Linux and a pipe on Windows leave nothing behind. Throws `profile.inUse`.
 */
export async function lockProfile(folder: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)
  const server = createServer((socket) => socket.destroy())
  await listening(server, lockPath(name))
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

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new CodedError('profile.inUse', {}, { cause: error })))
    server.listen(path, resolve)
  })
}
