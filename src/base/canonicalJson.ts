/** What JSON can hold. Typed so that a date, a map or `undefined` cannot slip into something that is signed. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** `JSON.parse` with the type that its results have. Throws its SyntaxError. */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue
}

/**
 * The one text of a JSON value by RFC 8785 (JCS): members in order of their UTF-16 code units, no white space,
 * numbers and strings as ECMAScript writes them. Throws a TypeError for what has no such text: NaN, the infinities,
 * lone surrogates, and whatever the types did not stop. Recursive: for values of one's own or parsed and bounded ones.
 */
export function canonicalJson(value: JsonValue): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number without a JSON form')
      // ECMAScript's Number::toString is the form that RFC 8785 section 3.2.2.3 prescribes, -0 as 0 included.
      return JSON.stringify(value)
    case 'string':
      return canonicalString(value)
    case 'object':
      return value === null ? 'null' : canonicalContainer(value)
    default:
      throw new TypeError('a value without a JSON form')
  }
}

function canonicalString(text: string): string {
  // In a pattern with the u flag a surrogate matches only where it stands alone.
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('a lone surrogate')
  return JSON.stringify(text)
}

function canonicalContainer(value: readonly JsonValue[] | { readonly [key: string]: JsonValue }): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('not a plain object')
  // The default order of sort() is that of UTF-16 code units.
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${canonicalString(key)}:${canonicalJson(member)}`).join(',')}}`
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}
