import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex, type Bytes } from '../base/bytes.ts'
import { appendLeaf, emptyJournal, formatFrontier, leafHash, parseState, rootOf } from './merkle.ts'
import { consistencyProof, inclusionProof, treeRoot, verifyConsistency, verifyInclusion } from './proofs.ts'

/** Leaves and roots of the test tree of Google's certificate-transparency reference implementation of RFC 6962. */
const referenceLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const referenceRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const randomLeaves = Array.from({ length: 70 }, () => new Uint8Array(randomBytes(32)))
const leavesOf = (size: number): readonly Bytes[] => randomLeaves.slice(0, size)
const rootAt = (size: number): Bytes => treeRoot(leavesOf(size))

describe('the tree', () => {
  it('has the roots of the reference implementation', () => {
    expect(toHex(rootOf(emptyJournal))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    let state = emptyJournal
    for (const [n, hex] of referenceLeaves.entries()) {
      state = appendLeaf(state, leafHash(fromHex(hex) ?? new Uint8Array(0)))
      expect(toHex(rootOf(state))).toBe(referenceRoots[n])
    }
  })

  it('comes back from its stored form, and from no other', () => {
    let state = emptyJournal
    for (const leaf of randomLeaves) {
      const stored = formatFrontier(state)
      expect(parseState(state.size, stored)).toEqual(state)
      expect(parseState(state.size, new Uint8Array(stored.length + 32))).toBeNull()
      state = appendLeaf(state, leaf)
    }
    for (const size of [-1, 0.5, 2 ** 31, Number.NaN]) expect(parseState(size, new Uint8Array(0))).toBeNull()
  })
})

describe('proofs', () => {
  it('hold for every leaf of every size, and for no other claim', () => {
    for (let size = 1; size <= 40; size++) {
      const root = rootAt(size)
      for (const [index, leaf] of leavesOf(size).entries()) {
        const proof = inclusionProof(leavesOf(size), index)
        expect(verifyInclusion({ leaf, index, size, root, proof })).toBe(true)
        expect(verifyInclusion({ leaf: rootAt(3), index, size, root, proof })).toBe(false)
        expect(verifyInclusion({ leaf, index, size, root, proof: [...proof, leaf] })).toBe(false)
        expect(verifyInclusion({ leaf, index, size: size * 2 + 1, root, proof })).toBe(false)
        if (size > 1)
          expect(verifyInclusion({ leaf, index: (index + 1) % size, size, root, proof })).toBe(false)
      }
    }
  })

  it('tie every tree to each of its beginnings, and not to a fork', () => {
    for (let size = 0; size <= 40; size++) {
      for (let first = 0; first <= size; first++) {
        const proof = consistencyProof(leavesOf(size), first)
        const older = { size: first, root: rootAt(first) }
        const newer = { size, root: rootAt(size) }
        expect(verifyConsistency(older, newer, proof)).toBe(true)
        if (first === 0) continue
        expect(verifyConsistency({ size: first, root: rootAt(first + 1) }, newer, proof)).toBe(false)
        expect(verifyConsistency(older, { size, root: rootAt(size + 1) }, proof)).toBe(false)
        if (first < size) expect(verifyConsistency(older, newer, proof.slice(1))).toBe(false)
      }
    }
  })

  it('fail after any change of a bit', () => {
    const size = fc.integer({ min: 2, max: 70 })
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }), (n, at, step, bit) => {
        const index = at % n
        const proof = inclusionProof(leavesOf(n), index)
        const changed = proof.map((hash, k) => (k === step % proof.length ? flipped(hash, bit) : hash))
        const claim = {
          leaf: leavesOf(n)[index] ?? rootAt(0),
          index,
          size: n,
          root: rootAt(n),
          proof: changed,
        }
        expect(verifyInclusion(claim)).toBe(false)
      }),
    )
  })
})

function flipped(hash: Bytes, bit: number): Bytes {
  return hash.map((byte, n) => (n === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
}
