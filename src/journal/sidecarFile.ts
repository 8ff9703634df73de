import { open, readFile, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError, syncFolder, systemCode } from '../base/atomicFile.ts'
import type { Bytes } from '../base/bytes.ts'
import { checkpointLine, leafLine, parseSidecar, sidecarHeading, type SidecarReading } from './sidecar.ts'

/** Throws `profile.notWritable` where the file may not be read, or the system's own error. */
export async function readSidecar(path: string): Promise<SidecarReading> {
  try {
    return parseSidecar(await readFile(path, 'latin1'))
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return { kind: 'missing' }
    throw fileError(thrown)
  }
}

/**
 * Puts a sidecar that does not fit the database aside, under a name that says when; it is evidence and is not deleted.
 * Returns that name. Throws `profile.notWritable`.
 */
export async function setSidecarAside(path: string, now: number): Promise<string> {
  const aside = `${path}.aside-${new Date(now).toISOString().replaceAll(/[:.]/g, '')}`
  try {
    await rename(path, aside)
    await syncFolder(dirname(path))
    return aside
  } catch (thrown) {
    throw fileError(thrown)
  }
}

/**
 * Adds lines to the sidecar. Calls are made one after another. After one that failed the file is in doubt: close the
 * writer, read and compare again.
 */
export class SidecarWriter {
  readonly #file: FileHandle

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /**
   * Opens for adding, makes the file with mode 0600 when there is none, and takes away the half line of a crash.
   * `reading` is what was just read and compared. Throws `vault.diskFull`, `profile.notWritable`.
   */
  static async open(path: string, reading: SidecarReading): Promise<SidecarWriter> {
    if (reading.kind === 'damaged') throw new RangeError('a damaged sidecar is put aside first')
    try {
      const file = await open(path, 'a', 0o600)
      const writer = new SidecarWriter(file)
      await writer.#begin(path, reading.kind === 'read' ? reading.sidecar.wholeBytes : 0)
      return writer
    } catch (thrown) {
      throw fileError(thrown)
    }
  }

  /** On disk when this settles. Throws `vault.diskFull`. */
  async append(leaves: readonly Bytes[], checkpoint: string | null): Promise<void> {
    const lines = leaves.map(leafLine).join('') + (checkpoint === null ? '' : checkpointLine(checkpoint))
    if (lines === '') return
    try {
      await this.#write(lines)
    } catch (thrown) {
      throw fileError(thrown)
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #begin(path: string, whole: number): Promise<void> {
    try {
      await this.#file.truncate(whole)
      if (whole === 0) await this.#write(`${sidecarHeading}\n`)
      await syncFolder(dirname(path))
    } catch (thrown) {
      await this.close()
      throw thrown
    }
  }

  async #write(text: string): Promise<void> {
    await this.#file.writeFile(text, 'latin1')
    await this.#file.sync()
  }
}
