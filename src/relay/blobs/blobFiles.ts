import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, systemCode } from '../../base/atomicFile.ts'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

export interface WrittenBlob {
  readonly file: string
  readonly contentHash: Bytes
}

const unfinished = '.part'
const ownName = /^[0-9a-f]{32}(\.part)?$/

/** The bytes of encrypted files, under random names that tell nothing. */
export class BlobFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
  }

  /**
   * Writes exactly `size` bytes and answers once they and their name are durable. Throws `request.malformed` for another
   * number, `relay.full` when the disk is, and what the source throws; nothing is left behind then.
   */
  async write(source: AsyncIterable<Uint8Array>, size: number): Promise<WrittenBlob> {
    const file = randomBytes(16).toString('hex')
    const part = this.#path(file) + unfinished
    try {
      const contentHash = await this.#take(part, source, size)
      await rename(part, this.#path(file))
      await syncFolder(this.#folder)
      return { file, contentHash }
    } catch (thrown) {
      await rm(part, { force: true }).catch(() => undefined)
      throw diskError(thrown)
    }
  }

  /** Null: there is no such file. */
  async open(file: string): Promise<FileHandle | null> {
    try {
      return await open(this.#path(file), 'r')
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return null
      throw diskError(thrown)
    }
  }

  async remove(file: string): Promise<void> {
    await rm(this.#path(file), { force: true })
  }

  /** Deletes files of this form that are not known and were last written before a time: what a crash left. Answers how many. */
  async sweep(known: ReadonlySet<string>, before: number): Promise<number> {
    let swept = 0
    for (const entry of await readdir(this.#folder, { withFileTypes: true })) {
      const file = entry.name
      // The folder may be the root of a file system (`lost+found`), and hold what others put there.
      if (known.has(file) || !entry.isFile() || !ownName.test(file)) continue
      const path = join(this.#folder, file)
      // Another process may have ended it meanwhile.
      const found = await stat(path).catch(() => null)
      if (found === null || found.mtimeMs >= before) continue
      await rm(path, { force: true })
      swept += 1
    }
    return swept
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder)
    return bavail * bsize
  }

  async #take(part: string, source: AsyncIterable<Uint8Array>, size: number): Promise<Bytes> {
    const hash = createHash('sha256')
    const handle = await open(part, 'wx', 0o600)
    try {
      let written = 0
      for await (const chunk of source) {
        written += chunk.length
        if (written > size) throw new CodedError('request.malformed')
        hash.update(chunk)
        await writeAll(handle, chunk)
      }
      if (written !== size) throw new CodedError('request.malformed')
      await handle.sync()
    } finally {
      await handle.close()
    }
    return new Uint8Array(hash.digest())
  }

  #path(file: string): string {
    return join(this.#folder, file)
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let from = 0
  while (from < chunk.length) from += (await handle.write(chunk, from)).bytesWritten
}

function diskError(thrown: unknown): unknown {
  const code = systemCode(thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new CodedError('relay.full', {}, { cause: thrown })
  if (code === 'EACCES' || code === 'EROFS' || code === 'EIO' || code === 'EMFILE') {
    return new CodedError('relay.unavailable', {}, { cause: thrown })
  }
  return thrown
}
