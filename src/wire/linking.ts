import { createHash } from 'node:crypto'
import { concatBytes, utf8, type Bytes } from '../base/bytes.ts'
import { canonicalCode, invitationAlphabet, spokenInvitationCode } from './invitation.ts'

export { formatRelayText, parseRelayText, type PinnedRelay } from './invitation.ts'

/** 20 characters of 5 bits: 100 bits, too many for a relay to find a second key with the same code. */
export const linkCodeLength = 20

/**
 * The code that a new device shows (ARCHITECTURE: linking): the first 100 bits of SHA-256 over its ephemeral key, a
 * nonce and the relay's id. Whoever fetches that key from the relay computes the code again and compares.
 */
export function linkCode(ephemeralKey: Uint8Array, nonce: Uint8Array, relayId: string): string {
  const digest = createHash('sha256')
    .update('valise link code v1\0')
    .update(lengthPrefixed(ephemeralKey))
    .update(lengthPrefixed(nonce))
    .update(lengthPrefixed(utf8(relayId)))
    .digest()
  return Array.from({ length: linkCodeLength }, (_, place) => characterAt(digest, place * 5)).join('')
}

/** The canonical code of what was typed (spaces, hyphens and case are free; O is 0, I and L are 1), or null. */
export function canonicalLinkCode(typed: string): string | null {
  return canonicalCode(typed, linkCodeLength)
}

/** In groups of four, as a person reads it aloud. */
export function spokenLinkCode(code: string): string {
  return spokenInvitationCode(code)
}

/** Under which the two devices meet at the relay: tells nothing of the code. */
export function linkIdOf(canonicalLinkCode: string): Bytes {
  return new Uint8Array(createHash('sha256').update('valise link id v1\0').update(canonicalLinkCode).digest())
}

function lengthPrefixed(part: Uint8Array): Bytes {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, part.length)
  return concatBytes(length, part)
}

/** The character that five bits from this one on stand for. */
function characterAt(bytes: Uint8Array, bit: number): string {
  const byte = bit >> 3
  const pair = ((bytes[byte] ?? 0) << 8) | (bytes[byte + 1] ?? 0)
  return invitationAlphabet.charAt((pair >> (11 - (bit & 7))) & 31)
}
