import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../base/atomicFile.ts'
import { readPolicy, type PolicyFile, type PolicyReading, type PolicyRefusal } from './readPolicy.ts'

export const linuxPolicyFolder = '/etc/valise/policies/managed'

const fileBytes = 64 * 1024
const filesAtMost = 100
const writableByOthers = 0o022

export interface LinuxPolicySource {
  /** Folder of `*.json` files, taken in the order of their names by UTF-16 code units. */
  readonly folder?: string
  /** The only user whose files are believed; root. Another one serves tests. */
  readonly owner?: number
}

/**
 * The machine's managed settings. Without the folder nobody manages this machine, and that is no finding.
 * Never throws on what it finds: a folder or file that others may write, a link, or one that cannot be read
 * makes what it could say fall to the stricter side (SECURITY 15).
 */
export async function readLinuxPolicy(source: LinuxPolicySource = {}): Promise<PolicyReading> {
  const folder = source.folder ?? linuxPolicyFolder
  const owner = source.owner ?? 0
  let names: string[]
  let unsafe: PolicyRefusal | null
  try {
    unsafe = distrust(await lstat(folder), owner)
    names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted(byCodeUnits)
  } catch (thrown) {
    return readPolicy(systemCode(thrown) === 'ENOENT' ? [] : [refusedWhole('', 'folder.unreadable')])
  }
  const files: PolicyFile[] = unsafe === null ? [] : [refusedWhole('', 'folder.unsafe')]
  for (const name of names.slice(0, filesAtMost)) files.push(await readOne(folder, name, owner))
  if (names.length > filesAtMost) files.push(refusedWhole('', 'folder.tooManyFiles'))
  return readPolicy(files)
}

async function readOne(folder: string, name: string, owner: number): Promise<PolicyFile> {
  try {
    // Never follows a link, never waits for a pipe's other end; what is checked is what is read.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = await open(join(folder, name), flags)
    try {
      const stats = await file.stat()
      if (!stats.isFile()) return refusedWhole(name, 'file.notRegular')
      if (stats.size > fileBytes) return refusedWhole(name, 'file.tooLarge')
      return { file: name, refused: distrust(stats, owner), content: parsed(await file.readFile('utf8')) }
    } finally {
      await file.close()
    }
  } catch (thrown) {
    return refusedWhole(name, systemCode(thrown) === 'ELOOP' ? 'file.notRegular' : 'file.unreadable')
  }
}

function distrust(stats: Stats, owner: number): 'file.owner' | 'file.writable' | null {
  if (stats.uid !== owner) return 'file.owner'
  return (stats.mode & writableByOthers) === 0 ? null : 'file.writable'
}

/** A file, or the folder, of which not even the names are known. */
function refusedWhole(file: string, refused: PolicyRefusal): PolicyFile {
  return { file, refused, content: undefined }
}

function parsed(text: string): unknown {
  try {
    // A mark that some editors put in front; not part of the JSON (RFC 8259 section 8.1).
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : 1
}
