import { createHash } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { concatBytes, copyBytes, fromBase64Url, sameBytes, toBase64Url, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { parseRelayAddress } from './address.ts'
import { InvitationMessageSchema, type InvitationMessage } from './invitation_pb.ts'

/** A relay as a device has to know it before it may trust it. */
export interface PinnedRelay {
  readonly address: string
  /** SHA-256 of the relay certificate's SubjectPublicKeyInfo; null on loopback without TLS. */
  readonly tlsPin: Bytes | null
  readonly anchors: Bytes
  /**
   * The administration's own proxy ends TLS. Only this, which came by another way than the relay, makes a device log in
   * without binding itself to the channel: the relay's word never does.
   */
  readonly tlsEndsAtProxy: boolean
}

/** What a person needs to enrol, and what fixes the relay that they may enrol with. */
export interface Invitation extends PinnedRelay {
  readonly code: string
}

/** Crockford's base32: no I, L, O, U, so that a code survives being read aloud. 12 characters are 60 bits. */
export const invitationAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
export const invitationCodeLength = 12

/** The two texts: with a code that enrols, and without one, for a device that is to be linked. */
const kinds = {
  invitation: { prefix: 'valise:', label: 'valise invitation v1\0' },
  relay: { prefix: 'valise-relay:', label: 'valise relay v1\0' },
} as const
type Kind = (typeof kinds)[keyof typeof kinds]

const checksumBytes = 4

/** The canonical code of what was typed (spaces, hyphens and case are free; O is 0, I and L are 1), or null. */
export function canonicalInvitationCode(typed: string): string | null {
  return canonicalCode(typed, invitationCodeLength)
}

/** The same for a code of another length in this alphabet. */
export function canonicalCode(typed: string, length: number): string | null {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  const proper = code.length === length && [...code].every((c) => invitationAlphabet.includes(c))
  return proper ? code : null
}

/** `K7QM24XD9PLA` as a person reads it: `K7QM-24XD-9PLA`. */
export function spokenInvitationCode(code: string): string {
  return code.replace(/(.{4})(?=.)/g, '$1-')
}

/** The one-line text of an invitation: `valise:` and base64url of the message and 4 checksum bytes. */
export function formatInvitation(invitation: Invitation): string {
  return format(kinds.invitation, invitation, invitation.code)
}

/**
 * Reads what a person pasted; white space anywhere in it is free (mail programs fold lines).
 * Throws `invitation.malformed` for anything cut, mistyped or of another version, and
 * `relay.insecureAddress` for http to another machine.
 */
export function parseInvitation(text: string): Invitation {
  const message = parse(kinds.invitation, text)
  const code = canonicalInvitationCode(message.code)
  if (code === null) throw new CodedError('invitation.malformed')
  return { ...pinnedRelay(message), code }
}

/** The text by which a device that is to be linked knows its relay; it enrols nobody. */
export function formatRelayText(relay: PinnedRelay): string {
  return format(kinds.relay, relay, '')
}

/** Reads `formatRelayText`; throws as `parseInvitation` does. */
export function parseRelayText(text: string): PinnedRelay {
  const message = parse(kinds.relay, text)
  if (message.code !== '') throw new CodedError('invitation.malformed')
  return pinnedRelay(message)
}

function format(kind: Kind, relay: PinnedRelay, code: string): string {
  const body = toBinary(
    InvitationMessageSchema,
    create(InvitationMessageSchema, {
      version: 1,
      address: relay.address,
      tlsPin: relay.tlsPin ?? new Uint8Array(0),
      anchors: relay.anchors,
      tlsEndsAtProxy: relay.tlsEndsAtProxy,
      code,
    }),
  )
  return kind.prefix + toBase64Url(concatBytes(body, checksum(kind, body)))
}

function parse(kind: Kind, text: string): InvitationMessage {
  const joined = text.replaceAll(/\s/g, '')
  const bytes = joined.startsWith(kind.prefix) ? fromBase64Url(joined.slice(kind.prefix.length)) : null
  if (bytes === null || bytes.length <= checksumBytes || bytes.length > 2048) {
    throw new CodedError('invitation.malformed')
  }
  const body = bytes.subarray(0, -checksumBytes)
  if (!sameBytes(checksum(kind, body), bytes.subarray(-checksumBytes)))
    throw new CodedError('invitation.malformed')
  try {
    return fromBinary(InvitationMessageSchema, body)
  } catch {
    throw new CodedError('invitation.malformed')
  }
}

function pinnedRelay(message: InvitationMessage): PinnedRelay {
  const pinned = message.tlsPin.length === 32
  const proper =
    message.version === 1 && message.anchors.length === 32 && (pinned || message.tlsPin.length === 0)
  if (!proper) throw new CodedError('invitation.malformed')
  const { origin, secure } = parseRelayAddress(message.address)
  if (secure !== pinned || (message.tlsEndsAtProxy && !secure)) throw new CodedError('invitation.malformed')
  return {
    address: origin,
    tlsPin: pinned ? copyBytes(message.tlsPin) : null,
    anchors: copyBytes(message.anchors),
    tlsEndsAtProxy: message.tlsEndsAtProxy,
  }
}

function checksum(kind: Kind, body: Uint8Array): Uint8Array {
  return createHash('sha256').update(kind.label).update(body).digest().subarray(0, checksumBytes)
}
