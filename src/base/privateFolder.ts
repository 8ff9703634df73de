import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  type Stats,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CodedError } from './errors.ts'

/**
 * Makes a folder with mode 0700, with its parents. Throws `profile.unsafe` for a link, another user's folder or a used
 * folder that others may enter, `profile.notWritable` where nothing can be made.
 */
export function makePrivateFolder(folder: string): void {
  try {
    makeFolders(resolve(folder))
    const found = lstatSync(folder)
    if (found.isSymbolicLink()) throw new CodedError('profile.unsafe')
    if (!found.isDirectory()) throw new CodedError('profile.notWritable')
    if (process.platform !== 'win32') closeToOthers(folder, found)
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('profile.notWritable', {}, { cause: error })
  }
}

function closeToOthers(folder: string, found: Stats): void {
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
