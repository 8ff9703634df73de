import { fromBase64Url, fromHex, sameBytes, toBase64Url, toHex, utf8, type Bytes } from '../base/bytes.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { appendLeaf, emptyJournal, hashBytes, rootOf, type JournalState } from './merkle.ts'

/**
 * `journal.sidecar` beside the vault: the journal's hashes and signed checkpoints, readable without any key and
 * without content. Lines that are only ever added, each forced to disk:
 *   valise journal sidecar 1
 *   leaf <64 hex>
 *   checkpoint <base64url of the signed note>
 * The database is committed first, so after a crash the file may lack the last leaves or end in half a line.
 */
export const sidecarHeading = 'valise journal sidecar 1'

export type SidecarReading =
  | { readonly kind: 'missing' }
  /** Not a sidecar, or a line that is none; `line` counts from 1. */
  | { readonly kind: 'damaged'; readonly line: number; readonly leaves: number }
  | { readonly kind: 'read'; readonly sidecar: Sidecar }

export interface Sidecar {
  readonly leaves: readonly Bytes[]
  /** In their order; `after` is how many leaves stood before it. */
  readonly checkpoints: readonly { readonly note: string; readonly after: number }[]
  /** Length of the whole lines; what follows is half a line of a crash. */
  readonly wholeBytes: number
}

/** Reads the text of a sidecar file, one character a byte. Never throws. */
export function parseSidecar(text: string): SidecarReading {
  const wholeBytes = text.lastIndexOf('\n') + 1
  const lines = text.slice(0, wholeBytes).split('\n').slice(0, -1)
  const leaves: Bytes[] = []
  const checkpoints: { note: string; after: number }[] = []
  for (const [index, line] of lines.entries()) {
    const parsed = index === 0 ? (line === sidecarHeading ? 'heading' : null) : parseLine(line)
    if (parsed === null) return { kind: 'damaged', line: index + 1, leaves: leaves.length }
    if (typeof parsed === 'object' && 'leaf' in parsed) leaves.push(parsed.leaf)
    if (typeof parsed === 'object' && 'note' in parsed) checkpoints.push({ ...parsed, after: leaves.length })
  }
  return { kind: 'read', sidecar: { leaves, checkpoints, wholeBytes } }
}

export function leafLine(leaf: Bytes): string {
  return `leaf ${toHex(leaf)}\n`
}

export function checkpointLine(note: string): string {
  return `checkpoint ${toBase64Url(utf8(note))}\n`
}

function parseLine(line: string): { leaf: Bytes } | { note: string } | null {
  const [word, value, ...rest] = line.split(' ')
  if (value === undefined || rest.length > 0) return null
  if (word === 'leaf') {
    const leaf = fromHex(value)
    return leaf?.length === hashBytes ? { leaf } : null
  }
  const note = word === 'checkpoint' ? fromBase64Url(value) : null
  return note === null ? null : { note: new TextDecoder().decode(note) }
}

/** What the database says of the journal. */
export interface JournalInDatabase {
  readonly state: JournalState
  /** How many leaves the database knows to have reached the disk in the sidecar. */
  readonly flushed: number
  /** Leaf hashes from this place on. */
  leavesFrom(seq: number): Iterable<Bytes>
}

export type SidecarMismatch = 'missing' | 'damaged' | 'cut' | 'ahead' | 'fork' | 'checkpoint'

export type SidecarComparison =
  | { readonly kind: 'equal' }
  /** The last leaves are missing, as after a crash: append these. */
  | { readonly kind: 'behind'; readonly missing: readonly Bytes[] }
  | { readonly kind: 'mismatch'; readonly reason: SidecarMismatch; readonly sidecar: number }

/**
 * Compares the sidecar with the database. `ahead`: the database is an older copy. `cut`: the sidecar lost leaves that
 * were safely in it. `fork`: the same places hold other leaves. `checkpoint`: a signature or root in it is wrong.
 * Pure; reads only the leaves that the sidecar lacks.
 */
export function compareSidecar(
  reading: SidecarReading,
  database: JournalInDatabase,
  publicKey: Uint8Array,
): SidecarComparison {
  if (reading.kind === 'missing') {
    return database.flushed === 0 ? behind(database, 0) : { kind: 'mismatch', reason: 'missing', sidecar: 0 }
  }
  if (reading.kind === 'damaged') return { kind: 'mismatch', reason: 'damaged', sidecar: reading.leaves }
  const { leaves, checkpoints } = reading.sidecar
  const mismatch = (reason: SidecarMismatch): SidecarComparison => ({
    kind: 'mismatch',
    reason,
    sidecar: leaves.length,
  })
  const along = rootsAlong(leaves, [database.state.size, ...checkpoints.map(({ after }) => after)])
  const sealed = checkpoints.every(({ note, after }) => {
    const checkpoint = verifyCheckpoint(note, publicKey)
    return checkpoint !== null && checkpoint.size === after && along.has(after, checkpoint.root)
  })
  if (!sealed) return mismatch('checkpoint')
  if (leaves.length > database.state.size) {
    return mismatch(along.has(database.state.size, rootOf(database.state)) ? 'ahead' : 'fork')
  }
  const rest = behind(database, leaves.length)
  const whole = rest.missing.reduce(appendLeaf, along.end)
  if (whole.size !== database.state.size || !sameBytes(rootOf(whole), rootOf(database.state)))
    return mismatch('fork')
  if (leaves.length < database.flushed) return mismatch('cut')
  return rest.missing.length === 0 ? { kind: 'equal' } : rest
}

function behind(database: JournalInDatabase, from: number): { kind: 'behind'; missing: readonly Bytes[] } {
  return { kind: 'behind', missing: [...database.leavesFrom(from)] }
}

/** One pass over the leaves that keeps the roots at some sizes. */
function rootsAlong(
  leaves: readonly Bytes[],
  sizes: readonly number[],
): { readonly end: JournalState; has(size: number, root: Bytes): boolean } {
  const wanted = new Set(sizes)
  const roots = new Map<number, Bytes>()
  let state = emptyJournal
  const keep = (): void => {
    if (wanted.has(state.size)) roots.set(state.size, rootOf(state))
  }
  keep()
  for (const leaf of leaves) {
    state = appendLeaf(state, leaf)
    keep()
  }
  return {
    end: state,
    has: (size, root) => {
      const found = roots.get(size)
      return found !== undefined && sameBytes(found, root)
    },
  }
}
