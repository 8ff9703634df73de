import { CodedError } from '../base/errors.ts'
import type { Bytes } from '../base/bytes.ts'

/**
 * Padded sizes in bytes. The length of a ciphertext shows the length of what it holds in steps of 16 bytes
 * (libsignal, AES-CBC), so contents travel in one of these few sizes only: at most 32, each about a fifth larger.
 */
export const paddedSizes: readonly number[] = sizeLadder(160, 72 * 1024, 32)

/** The largest content, before padding, that fits. */
export const maxContentBytes = (paddedSizes.at(-1) ?? 0) - 1

const terminator = 0x80

/** Content, a 0x80 byte, zeros up to the next size (ISO/IEC 7816-4). Throws `content.tooLarge`. */
export function pad(content: Uint8Array): Bytes {
  const size = paddedSizes.find((candidate) => candidate > content.length)
  if (size === undefined)
    throw new CodedError('content.tooLarge', { bytes: content.length, limit: maxContentBytes })
  const padded = new Uint8Array(size)
  padded.set(content)
  padded[content.length] = terminator
  return padded
}

/** The inverse of `pad`. Throws `content.malformed` where there is no terminator. */
export function unpad(padded: Uint8Array): Bytes {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end -= 1
  if (end < 0 || padded[end] !== terminator) throw new CodedError('content.malformed')
  return new Uint8Array(padded.subarray(0, end))
}

function sizeLadder(first: number, last: number, count: number): number[] {
  const ratio = (last / first) ** (1 / (count - 1))
  return Array.from({ length: count }, (_, step) => Math.round((first * ratio ** step) / 16) * 16)
}
