import { concatBytes, utf8, type Bytes } from '../base/bytes.ts'

/**
 * What a device signs with its Ed25519 device key to prove itself on one WebSocket connection: a label of its own, the
 * relay's id, the relay's nonce, the account, the device, and the TLS channel as it sees it (`channel.ts`).
 * Every variable part has a fixed or a written length, so that no two inputs read the same.
 */
export function authenticationInput(parts: {
  readonly relayId: string
  readonly nonce: Uint8Array
  readonly accountId: Uint8Array
  readonly deviceId: number
  readonly channel: Uint8Array
}): Bytes {
  const relayId = utf8(parts.relayId)
  return concatBytes(
    utf8('valise authentication v2\0'),
    Uint8Array.of(relayId.length, parts.nonce.length, parts.accountId.length, parts.deviceId),
    Uint8Array.of(parts.channel.length),
    relayId,
    parts.nonce,
    parts.accountId,
    parts.channel,
  )
}

/** What the device key signs at enrolment: the code's hash would do, the keys bound to it matter. */
export function enrolmentInput(parts: {
  readonly code: string
  readonly identityKey: Uint8Array
  readonly deviceKey: Uint8Array
  readonly registrationId: number
}): Bytes {
  const registrationId = Uint8Array.of(parts.registrationId >> 8, parts.registrationId & 0xff)
  return concatBytes(
    utf8('valise enrolment v1\0'),
    Uint8Array.of(parts.code.length, parts.identityKey.length, parts.deviceKey.length),
    utf8(parts.code),
    parts.identityKey,
    parts.deviceKey,
    registrationId,
  )
}

/** What the account's identity key signs about a device: the relay can neither invent one nor exchange two. */
export function attestationInput(parts: {
  readonly accountId: Uint8Array
  readonly deviceId: number
  readonly registrationId: number
  readonly deviceKey: Uint8Array
}): Bytes {
  return concatBytes(
    utf8('valise device v1\0'),
    Uint8Array.of(parts.accountId.length, parts.deviceKey.length, parts.deviceId),
    Uint8Array.of(parts.registrationId >> 8, parts.registrationId & 0xff),
    parts.accountId,
    parts.deviceKey,
  )
}

/** What a new device signs with its device key when it is linked. */
export function linkInput(parts: {
  readonly linkId: Uint8Array
  readonly secret: Uint8Array
  readonly deviceKey: Uint8Array
  readonly registrationId: number
}): Bytes {
  return concatBytes(
    utf8('valise link v1\0'),
    Uint8Array.of(parts.linkId.length, parts.secret.length, parts.deviceKey.length),
    Uint8Array.of(parts.registrationId >> 8, parts.registrationId & 0xff),
    parts.linkId,
    parts.secret,
    parts.deviceKey,
  )
}
