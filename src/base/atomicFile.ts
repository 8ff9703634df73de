import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CodedError } from './errors.ts'

/**
 * Replaces a file in one step and durably: after a crash or a power cut it holds the old bytes or the new ones, and
 * once this has settled, the new ones. The new file has `mode` whatever the umask is. One writer at a time for a path.
 * Throws `vault.diskFull` or `profile.notWritable`; the old file is then untouched.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  // A fixed name: what a kill leaves behind is replaced by the next write instead of piling up.
  const temporary = `${path}.new`
  try {
    await rm(temporary, { force: true })
    await writeDurably(temporary, bytes, mode)
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw fileError(thrown)
  }
}

/** The coded form of a failed file operation where there is one; otherwise what was thrown. */
export function fileError(thrown: unknown): unknown {
  switch (systemCode(thrown)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CodedError('vault.diskFull', {}, { cause: thrown })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CodedError('profile.notWritable', {}, { cause: thrown })
    default:
      return thrown
  }
}

/** The code of a Node system error such as `ENOENT`, or null. */
export function systemCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
}

async function writeDurably(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  // Exclusive: neither a link nor a wider mode that lay in the way is taken over.
  await withFile(await open(path, 'wx', mode), async (file) => {
    await file.chmod(mode)
    await file.writeFile(bytes)
    await file.sync()
  })
}

/** Makes a rename or a new file in this folder survive a power cut. Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await withFile(await open(folder, 'r'), (handle) => handle.sync())
}

async function withFile(file: FileHandle, use: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
