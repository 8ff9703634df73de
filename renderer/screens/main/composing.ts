import { messageTextBytes } from '../../limits.ts'

const encoder = new TextEncoder()

/**
 * How many more characters certainly fit into a message; negative: so many at its end are too many. The limit is
 * one of UTF-8 bytes, which nobody counts in: a character that may follow takes up to four.
 */
export function room(text: string): number {
  const bytes = encoder.encode(text).length
  if (bytes <= messageTextBytes) return Math.floor((messageTextBytes - bytes) / 4)
  let excess = bytes - messageTextBytes
  let extra = 0
  for (const character of [...text].toReversed()) {
    if (excess <= 0) break
    excess -= encoder.encode(character).length
    extra += 1
  }
  return -extra
}

/** 16 random bytes in hex, as the contract asks. */
export function newMessageId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}
