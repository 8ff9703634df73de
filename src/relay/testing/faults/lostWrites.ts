import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from '../random.ts'

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number }

/** A file as the disk is bound to have it, and what was done to it since its last sync. */
class DiskFile {
  pending: Change[] = []
  #bytes: Uint8Array
  #length: number

  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#bytes = content
    this.#length = content.length
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  apply(change: Change): void {
    const end = change.kind === 'write' ? change.offset + change.data.length : change.length
    if (end > this.#bytes.length) this.#grow(end * 2)
    if (change.kind === 'write') {
      this.#bytes.set(change.data, change.offset)
      this.#length = Math.max(this.#length, end)
    } else {
      this.#bytes.fill(0, end)
      this.#length = end
    }
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(bytes)
    grown.set(this.content)
    this.#bytes = grown
  }
}

type Disk = Map<string, DiskFile>

interface JournalRecord {
  readonly kind: number
  readonly path: string
  readonly offset: number
  readonly data: Uint8Array
}

const kinds = { write: 1, truncate: 2, sync: 3, unlink: 4, rename: 5 } as const
const headBytes = 24
/** What a disk writes whole. */
const sectorBytes = 4_096

/** The files of a folder, all of them taken as safely on the disk. */
export function readDisk(folder: string): Disk {
  const disk: Disk = new Map()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (statSync(path).isFile()) disk.set(path, new DiskFile(readFileSync(path)))
  }
  return disk
}

export interface LossReport {
  /** Writes that no sync came after, and those of them that the disk happened to have all the same. */
  readonly pending: number
  readonly kept: number
  readonly syncs: number
}

/**
 * What a power failure leaves: `before` with every synced write of the journal, and of the rest whatever the disk had
 * got round to, in any order, a long write perhaps in part. Files appear, go and are renamed at once: no directory is lost.
 */
export function loseWrites(before: Disk, journal: string, random: SeededRandom): LossReport {
  let [pending, kept, syncs] = [0, 0, 0]
  for (const record of records(readFileSync(journal))) {
    if (record.kind === kinds.sync) syncs += 1
    enter(before, record)
  }
  const share = random.below(5)
  for (const file of before.values()) {
    for (const change of file.pending.flatMap(sectors)) {
      pending += 1
      if (random.below(4) >= share) continue
      kept += 1
      file.apply(change)
    }
    file.pending = []
  }
  for (const [path, { content }] of before) {
    // The engine's shared memory is no file to it: it makes it anew.
    if (path.endsWith('-shm')) rmSync(path, { force: true })
    else writeFileSync(path, content)
  }
  return { pending, kept, syncs }
}

function* records(bytes: Buffer): Generator<JournalRecord> {
  let at = 0
  while (at + headBytes <= bytes.length) {
    const pathEnd = at + headBytes + bytes.readUInt32LE(at + 4)
    const end = pathEnd + Number(bytes.readBigUInt64LE(at + 16))
    // The record at which the program was killed.
    if (end > bytes.length) return
    yield {
      kind: bytes.readUInt8(at),
      path: bytes.toString('utf8', at + headBytes, pathEnd),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      data: bytes.subarray(pathEnd, end),
    }
    at = end
  }
}

function enter(disk: Disk, { kind, path, offset, data }: JournalRecord): void {
  const file = disk.get(path) ?? new DiskFile()
  if (kind === kinds.unlink) disk.delete(path)
  else if (kind === kinds.rename) {
    disk.delete(path)
    disk.set(Buffer.from(data).toString('utf8'), file)
  } else disk.set(path, file)
  if (kind === kinds.write) file.pending.push({ kind: 'write', offset, data })
  if (kind === kinds.truncate) file.pending.push({ kind: 'truncate', length: offset })
  if (kind !== kinds.sync) return
  for (const change of file.pending) file.apply(change)
  file.pending = []
}

function sectors(change: Change): Change[] {
  if (change.kind === 'truncate' || change.data.length <= sectorBytes) return [change]
  const count = Math.ceil(change.data.length / sectorBytes)
  return Array.from({ length: count }, (_, index) => ({
    kind: 'write',
    offset: change.offset + index * sectorBytes,
    data: change.data.subarray(index * sectorBytes, (index + 1) * sectorBytes),
  }))
}
