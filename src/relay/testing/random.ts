/** Numbers that look random and come again with the same seed, so that a failure can be repeated. Not for secrets. */
export interface SeededRandom {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
  bytes(count: number): Uint8Array<ArrayBuffer>
  pick<T>(from: readonly [T, ...T[]]): T
}

/** Mulberry32: 32 bits of state, far more than enough here. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    bytes: (count) => Uint8Array.from({ length: count }, () => below(256)),
    pick: (from) => from[below(from.length)] ?? from[0],
  }
}
