import { createHash } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { concatBytes, copyBytes, fromBase64Url, sameBytes, toBase64Url, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { parseRelayAddress } from './address.ts'
import { InvitationMessageSchema } from './invitation_pb.ts'

/** What a person needs to enrol, and what fixes the relay that they may enrol with. */
export interface Invitation {
  readonly address: string
  /** SHA-256 of the relay certificate's SubjectPublicKeyInfo; null on loopback without TLS. */
  readonly tlsPin: Bytes | null
  readonly anchors: Bytes
  readonly code: string
}

/** Crockford's base32: no I, L, O, U, so that a code survives being read aloud. 12 characters are 60 bits. */
export const invitationAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
export const invitationCodeLength = 12

const prefix = 'valise:'
const checksumBytes = 4

/** The canonical code of what was typed (spaces, hyphens and case are free; O is 0, I and L are 1), or null. */
export function canonicalInvitationCode(typed: string): string | null {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  const proper =
    code.length === invitationCodeLength && [...code].every((c) => invitationAlphabet.includes(c))
  return proper ? code : null
}

/** `K7QM24XD9PLA` as a person reads it: `K7QM-24XD-9PLA`. */
export function spokenInvitationCode(code: string): string {
  return code.replace(/(.{4})(?=.)/g, '$1-')
}

/** The one-line text of an invitation: `valise:` and base64url of the message and 4 checksum bytes. */
export function formatInvitation(invitation: Invitation): string {
  const body = toBinary(
    InvitationMessageSchema,
    create(InvitationMessageSchema, {
      version: 1,
      address: invitation.address,
      tlsPin: invitation.tlsPin ?? new Uint8Array(0),
      anchors: invitation.anchors,
      code: invitation.code,
    }),
  )
  return prefix + toBase64Url(concatBytes(body, checksum(body)))
}

/**
 * Reads what a person pasted; white space anywhere in it is free (mail programs fold lines).
 * Throws `invitation.malformed` for anything cut, mistyped or of another version, and
 * `relay.insecureAddress` for http to another machine.
 */
export function parseInvitation(text: string): Invitation {
  const joined = text.replaceAll(/\s/g, '')
  const bytes = joined.startsWith(prefix) ? fromBase64Url(joined.slice(prefix.length)) : null
  if (bytes === null || bytes.length <= checksumBytes || bytes.length > 2048) {
    throw new CodedError('invitation.malformed')
  }
  const body = bytes.subarray(0, -checksumBytes)
  if (!sameBytes(checksum(body), bytes.subarray(-checksumBytes))) throw new CodedError('invitation.malformed')
  return checked(body)
}

function checked(body: Uint8Array): Invitation {
  let message
  try {
    message = fromBinary(InvitationMessageSchema, body)
  } catch {
    throw new CodedError('invitation.malformed')
  }
  const code = canonicalInvitationCode(message.code)
  const pinned = message.tlsPin.length === 32
  const proper =
    message.version === 1 &&
    code !== null &&
    message.anchors.length === 32 &&
    (pinned || message.tlsPin.length === 0)
  if (!proper) throw new CodedError('invitation.malformed')
  const { origin, secure } = parseRelayAddress(message.address)
  if (secure !== pinned) throw new CodedError('invitation.malformed')
  return {
    address: origin,
    tlsPin: pinned ? copyBytes(message.tlsPin) : null,
    anchors: copyBytes(message.anchors),
    code,
  }
}

function checksum(body: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update('valise invitation v1\0')
    .update(body)
    .digest()
    .subarray(0, checksumBytes)
}
