import { timingSafeEqual } from 'node:crypto'

/** What libsignal and the database binding take and give: bytes over memory of their own. */
export type Bytes = Uint8Array<ArrayBuffer>

/** A copy with memory of its own, for bytes that came from a pool or from a frame. */
export function copyBytes(source: Uint8Array): Bytes {
  return new Uint8Array(source)
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text)
}

export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Equality in constant time for equal lengths. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** The bytes of strict lower-case hex, or null. */
export function fromHex(text: string): Bytes | null {
  return text.length % 2 === 0 && /^[0-9a-f]*$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : null
}

/** The bytes of canonical unpadded base64url (RFC 4648 section 5), or null. */
export function fromBase64Url(text: string): Bytes | null {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'))
  return toBase64Url(bytes) === text ? bytes : null
}

/** The 16 bytes of a UUID in its canonical lower-case form (RFC 9562), or null. */
export function fromUuid(text: string): Bytes | null {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
    ? fromHex(text.replaceAll('-', ''))
    : null
}

/** The canonical form of 16 bytes as a UUID, or null for another length. */
export function toUuid(bytes: Uint8Array): string | null {
  if (bytes.length !== 16) return null
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
