import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CodedError } from '../src/base/errors.ts'

/** Where one person's Valise lives on this machine. */
export interface Profile {
  /** The engine's folder: vault, key slots, sidecar files. */
  readonly folder: string
  /** What Chromium insists on writing (its lock, `Local State`); the session itself stays in memory. */
  readonly chromium: string
}

export function profileAt(chosen: string | null, standard: string): Profile {
  const folder = resolve(chosen ?? standard)
  return { folder, chromium: join(folder, 'chromium') }
}

/**
 * Makes the folders with mode 0700 and proves that they can be written. Throws `profile.unsafe` for a link, another
 * user's folder or a used folder that others may enter, `profile.notWritable` where nothing can be written.
 */
export function prepareProfile(profile: Profile): void {
  try {
    makePrivate(profile.folder)
    makePrivate(profile.chromium)
    const probe = join(profile.folder, `.writable-${process.pid}`)
    writeFileSync(probe, '', { mode: 0o600, flag: 'wx' })
    rmSync(probe)
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('profile.notWritable', {}, { cause: error })
  }
}

function makePrivate(folder: string): void {
  makeFolders(folder)
  const found = lstatSync(folder)
  if (found.isSymbolicLink()) throw new CodedError('profile.unsafe')
  if (!found.isDirectory()) throw new CodedError('profile.notWritable')
  if (process.platform === 'win32') return
  if (found.uid !== process.getuid?.()) throw new CodedError('profile.unsafe')
  if ((found.mode & 0o077) === 0) return
  // A used folder that is open to others is somebody's own folder or a careless copy: not ours to close.
  accessSync(folder, constants.R_OK)
  if (readdirSync(folder).length > 0) throw new CodedError('profile.unsafe')
  chmodSync(folder, 0o700)
}

/** Parents first, one by one: Node's recursive form never returns where the system says ENOENT to a new name (/proc). */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return
  makeFolders(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}
