/** Deeper than any input of the contract. */
const maxDepth = 8

/**
 * Length in characters, give or take escapes and separators, that a value would have as JSON, counted no further
 * than `limit`; `tooLarge` past it, `notJson` for anything that JSON cannot hold (a structured clone can carry maps,
 * buffers, cycles). Never runs code of the value: IPC delivers plain data.
 */
export function jsonSize(value: unknown, limit: number): number | 'tooLarge' | 'notJson' {
  let size = 0
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const own = ownSize(next.value)
    if (own === null || next.depth > maxDepth) return 'notJson'
    size += own
    if (size > limit) return 'tooLarge'
    if (typeof next.value !== 'object' || next.value === null) continue
    // Every member costs a character at least, so a huge array is refused before it is walked.
    if (Array.isArray(next.value) && size + next.value.length > limit) return 'tooLarge'
    for (const [key, member] of Object.entries(next.value)) {
      size += Array.isArray(next.value) ? 1 : key.length + 4
      pending.push({ value: member, depth: next.depth + 1 })
    }
    if (size > limit) return 'tooLarge'
  }
  return size
}

function ownSize(value: unknown): number | null {
  switch (typeof value) {
    case 'string':
      return value.length + 2
    case 'number':
      return Number.isFinite(value) ? String(value).length : null
    case 'boolean':
      return 5
    case 'undefined':
      return 0
    case 'object':
      return value === null ? 4 : isPlain(value) ? 2 : null
    default:
      return null
  }
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
