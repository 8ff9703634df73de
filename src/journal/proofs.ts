import { sameBytes, type Bytes } from '../base/bytes.ts'
import { appendLeaf, emptyJournal, nodeHash, rootOf } from './merkle.ts'

/** The hashes that lead from leaf `index` to the root of these leaves: PATH of RFC 6962 section 2.1.1. */
export function inclusionProof(leaves: readonly Bytes[], index: number): readonly Bytes[] {
  if (!(Number.isInteger(index) && index >= 0 && index < leaves.length))
    throw new RangeError('index of the leaf')
  if (leaves.length === 1) return []
  const split = largestPowerBelow(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)]
}

/** The hashes that show the first `first` of these leaves to be their beginning: PROOF of RFC 6962 section 2.1.2. */
export function consistencyProof(leaves: readonly Bytes[], first: number): readonly Bytes[] {
  if (!(Number.isInteger(first) && first >= 0 && first <= leaves.length))
    throw new RangeError('size of the tree')
  return first === 0 ? [] : subproof(leaves, first, true)
}

function subproof(leaves: readonly Bytes[], first: number, known: boolean): readonly Bytes[] {
  if (first === leaves.length) return known ? [] : [treeRoot(leaves)]
  const split = largestPowerBelow(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return first <= split
    ? [...subproof(left, first, known), treeRoot(right)]
    : [...subproof(right, first - split, false), treeRoot(left)]
}

/** Whether `leaf` is leaf `index` of the tree with this size and root: RFC 9162 section 2.1.3.2. */
export function verifyInclusion(claim: {
  readonly leaf: Bytes
  readonly index: number
  readonly size: number
  readonly root: Bytes
  readonly proof: readonly Bytes[]
}): boolean {
  if (!(isSize(claim.index) && isSize(claim.size) && claim.index < claim.size)) return false
  let [at, last, hash] = [claim.index, claim.size - 1, claim.leaf]
  for (const step of claim.proof) {
    if (last === 0) return false
    if ((at & 1) === 1 || at === last) {
      hash = nodeHash(step, hash)
      while ((at & 1) === 0 && at !== 0) [at, last] = [at >>> 1, last >>> 1]
    } else {
      hash = nodeHash(hash, step)
    }
    ;[at, last] = [at >>> 1, last >>> 1]
  }
  return last === 0 && sameBytes(hash, claim.root)
}

/** Whether the tree of `first` is the beginning of the tree of `second`: RFC 9162 section 2.1.4.2. */
export function verifyConsistency(
  first: { readonly size: number; readonly root: Bytes },
  second: { readonly size: number; readonly root: Bytes },
  proof: readonly Bytes[],
): boolean {
  if (!(isSize(first.size) && isSize(second.size) && first.size <= second.size)) return false
  if (first.size === 0) return proof.length === 0 && sameBytes(first.root, rootOf(emptyJournal))
  if (first.size === second.size) return proof.length === 0 && sameBytes(first.root, second.root)
  // A perfect first tree is a node of the second one, so the proof leaves its root out.
  const [start, ...steps] = (first.size & (first.size - 1)) === 0 ? [first.root, ...proof] : proof
  if (start === undefined) return false
  let [at, last] = [first.size - 1, second.size - 1]
  while ((at & 1) === 1) [at, last] = [at >>> 1, last >>> 1]
  let [older, newer] = [start, start]
  for (const step of steps) {
    if (last === 0) return false
    if ((at & 1) === 1 || at === last) {
      ;[older, newer] = [nodeHash(step, older), nodeHash(step, newer)]
      while ((at & 1) === 0 && at !== 0) [at, last] = [at >>> 1, last >>> 1]
    } else {
      newer = nodeHash(newer, step)
    }
    ;[at, last] = [at >>> 1, last >>> 1]
  }
  return last === 0 && sameBytes(older, first.root) && sameBytes(newer, second.root)
}

export function treeRoot(leaves: readonly Bytes[]): Bytes {
  return rootOf(leaves.reduce(appendLeaf, emptyJournal))
}

function largestPowerBelow(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31
}
