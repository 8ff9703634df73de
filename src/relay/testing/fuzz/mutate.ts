import { concatBytes, type Bytes } from '../../../base/bytes.ts'
import type { SeededRandom } from '../random.ts'

/** Bytes that are told apart from others by many a parser: ends of ranges, long varints, field heads. */
const telling: readonly [Uint8Array, ...Uint8Array[]] = [
  Uint8Array.of(0),
  Uint8Array.of(0xff),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0x0b, 0x0c),
  Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0x07),
]

type ByteMutation = (bytes: Uint8Array, random: SeededRandom) => Uint8Array

const byteMutations: readonly [ByteMutation, ...ByteMutation[]] = [
  function flip(bytes, random) {
    const copy = Uint8Array.from(bytes)
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
    return copy
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1))
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1)
    return concatBytes(bytes.subarray(0, at), random.pick(telling), bytes.subarray(at))
  },
  function overwrite(bytes, random) {
    const piece = random.pick(telling)
    const at = random.below(bytes.length + 1)
    return concatBytes(bytes.subarray(0, at), piece, bytes.subarray(at + piece.length))
  },
  function leaveOut(bytes, random) {
    const [from, to] = span(bytes, random)
    return concatBytes(bytes.subarray(0, from), bytes.subarray(to))
  },
  function repeat(bytes, random) {
    const [from, to] = span(bytes, random)
    const piece = bytes.subarray(from, to)
    const times = 1 + random.below(20)
    return concatBytes(
      bytes.subarray(0, to),
      ...Array.from({ length: times }, () => piece),
      bytes.subarray(to),
    )
  },
  function replace(_bytes, random) {
    return random.bytes(random.below(200))
  },
]

/** Changes bytes in one to four ways; the same seed, the same changes. */
export function mutatedBytes(bytes: Uint8Array, random: SeededRandom): Bytes {
  let changed = bytes
  for (let left = 1 + random.below(4); left > 0; left -= 1)
    changed = random.pick(byteMutations)(changed, random)
  return Uint8Array.from(changed)
}

function span(bytes: Uint8Array, random: SeededRandom): readonly [number, number] {
  const from = random.below(bytes.length + 1)
  return [from, from + random.below(Math.min(64, bytes.length - from) + 1)]
}

/** Values that a field does not expect. */
const odd: readonly [() => unknown, ...(() => unknown)[]] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => 0.5,
  () => 2 ** 53,
  () => '',
  () => '\u0000',
  () => '\ud800',
  () => 'x'.repeat(10_000),
  () => 'A'.repeat(44),
  () => [],
  () => ({}),
  () => JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":1}}'),
  () => nested(200),
  () => Array.from({ length: 2_000 }, (_, index) => index),
  () => '00000000-0000-4000-8000-000000000000',
]

function nested(depth: number): unknown {
  return depth === 0 ? 0 : [nested(depth - 1)]
}

/** A JSON value with one place of it exchanged, left out, repeated or added. */
export function mutatedJson(value: unknown, random: SeededRandom): unknown {
  if (value === null || typeof value !== 'object' || random.below(6) === 0) return random.pick(odd)()
  if (Array.isArray(value)) return mutatedList(value, random)
  const entries = Object.entries(value)
  const place = random.below(entries.length + 1)
  const [name, inner] = entries[place] ?? []
  if (name === undefined)
    return { ...value, [random.pick(['extra', '__proto__', 'toString'])]: random.pick(odd)() }
  const rest = entries.filter(([other]) => other !== name)
  if (random.below(5) === 0) return Object.fromEntries(rest)
  return Object.fromEntries([...rest, [name, mutatedJson(inner, random)]])
}

function mutatedList(list: readonly unknown[], random: SeededRandom): unknown {
  const place = random.below(list.length + 1)
  const item = list[place]
  if (random.below(3) === 0) return [...list, ...list, item]
  return [...list.slice(0, place), mutatedJson(item, random), ...list.slice(place + 1)]
}
