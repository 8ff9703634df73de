import { createHash } from 'node:crypto'
import { concatBytes, copyBytes, type Bytes } from '../base/bytes.ts'

/** The Merkle tree of RFC 6962 section 2.1 (the same in RFC 9162): SHA-256, leaves and nodes under different prefixes. */
export const hashBytes = 32

export function leafHash(data: Uint8Array): Bytes {
  return sha256(Uint8Array.of(0), data)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(Uint8Array.of(1), left, right)
}

/**
 * A tree in as few hashes as it takes to go on appending: the roots of the perfect subtrees that its size is the sum of,
 * largest first, at most 31.
 */
export interface JournalState {
  readonly size: number
  readonly frontier: readonly Bytes[]
}

export const emptyJournal: JournalState = { size: 0, frontier: [] }

/** Past this a tree takes no more leaves; indices are worked on as 32-bit integers. */
const sizeAtMost = 2 ** 31 - 1

export function appendLeaf(state: JournalState, leaf: Bytes): JournalState {
  if (state.size >= sizeAtMost) throw new RangeError('size of the journal')
  const frontier = [...state.frontier]
  let node = leaf
  // Each trailing one of the size is a subtree as large as the one that has just been completed.
  for (let bits = state.size; (bits & 1) === 1; bits >>>= 1) {
    const left = frontier.pop()
    if (left === undefined) throw new RangeError('frontier of the journal')
    node = nodeHash(left, node)
  }
  return { size: state.size + 1, frontier: [...frontier, node] }
}

export function rootOf(state: JournalState): Bytes {
  const last = state.frontier.at(-1)
  if (last === undefined) return sha256()
  return state.frontier.slice(0, -1).reduceRight<Bytes>((right, left) => nodeHash(left, right), last)
}

/** The frontier as one value to store beside the size. */
export function formatFrontier(state: JournalState): Bytes {
  return concatBytes(...state.frontier)
}

/** What `formatFrontier` made, or null when it does not fit the size. */
export function parseState(size: number, frontier: Uint8Array): JournalState | null {
  if (!Number.isInteger(size) || size < 0 || size > sizeAtMost) return null
  if (frontier.length !== subtrees(size) * hashBytes) return null
  const hashes = Array.from({ length: subtrees(size) }, (_, n) =>
    copyBytes(frontier.subarray(n * hashBytes, (n + 1) * hashBytes)),
  )
  return { size, frontier: hashes }
}

function subtrees(size: number): number {
  let count = 0
  for (let bits = size; bits > 0; bits >>>= 1) count += bits & 1
  return count
}

function sha256(...parts: readonly Uint8Array[]): Bytes {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return copyBytes(hash.digest())
}
