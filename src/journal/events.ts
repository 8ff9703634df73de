import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { concatBytes, fromUuid, toHex, utf8 } from '../base/bytes.ts'
import { errorCodes } from '../base/errors.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)
const version = z.string().min(1).max(64)
const code = z.enum(errorCodes)
const deviceId = z.int().min(1).max(127)
const slotKind = z.enum(['osKeyStore', 'passphrase'])
/** What `peerToken` and `keyToken` make; a bare account id does not pass. */
const token = z.string().regex(/^[0-9a-f]{32}$/)

/**
 * Everything that the journal records, with what is recorded of it (SECURITY 13). Never content, names or account ids
 * (SECURITY 1): other people appear as tokens under the entry's own salt, so that one who has the entry and a person in
 * mind can check, nobody can list, and nothing is left once retention has deleted payload and salt.
 */
export const journalEvents = {
  'vault.created': z.strictObject({ slot: slotKind, version }),
  'vault.opened': z.strictObject({ slot: slotKind, version }),
  'vault.closed': z.strictObject({ reason: z.enum(['stop', 'lock']) }),
  /** Failed tries before this opening; written at the next one that succeeds. */
  'vault.openFailed': z.strictObject({ code, count: z.int().min(1) }),
  /** The relay knows another generation of this vault: it is a copy, or was put back from one. */
  'vault.copyNoticed': z.strictObject({}),
  /** The last run ended without a stop, so that something may have left after the last token. */
  'vault.stopMissed': z.strictObject({}),
  /** `deviceKey`: SHA-256 of the raw Ed25519 public key. */
  'device.enrolled': z.strictObject({ deviceId, deviceKey: sha256 }),
  /** One more device of this account, as the account's identity key attests it. */
  'device.added': z.strictObject({ deviceId, deviceKey: sha256 }),
  'device.removed': z.strictObject({
    deviceId,
    reason: z.enum(['retired', 'lost', 'unreached', 'elsewhere']),
  }),
  /** The relay named a device of this account that the identity key does not attest. */
  'device.refused': z.strictObject({ deviceId }),
  'device.linkRefused': z.strictObject({ code }),
  'keys.published': z.strictObject({ signedPreKey: z.boolean(), preKeys: count, kyberPreKeys: count }),
  /** A session began without a one-time Kyber prekey, which protects its first message less. */
  'keys.lastResortUsed': z.strictObject({ kyberPreKeyId: count, peer: token }),
  'identity.firstSeen': z.strictObject({ peer: token, key: token }),
  'identity.changed': z.strictObject({ peer: token, previousKey: token, key: token }),
  'identity.accepted': z.strictObject({ peer: token, key: token }),
  'identity.verified': z.strictObject({ peer: token, key: token, verified: z.boolean() }),
  /** This account has a new identity key: a device was lost, or another device has replaced it. */
  'identity.replaced': z.strictObject({ key: token }),
  'peer.deviceAdded': z.strictObject({ peer: token, deviceId }),
  'peer.blocked': z.strictObject({ peer: token, blocked: z.boolean() }),
  /** The account's access key is another one: those who were not told the new one write as strangers. */
  'access.replaced': z.strictObject({}),
  'envelope.quarantined': z.strictObject({ code }),
  'policy.applied': z.strictObject({
    hash: sha256,
    managed: count,
    findings: z
      .array(
        z.strictObject({
          code: z.string().max(64),
          file: z.string().max(255),
          policy: z.string().max(64).optional(),
        }),
      )
      .max(100),
  }),
  'journal.sidecarMismatch': z.strictObject({
    reason: z.enum(['missing', 'damaged', 'cut', 'ahead', 'fork', 'checkpoint']),
    /** Leaves that the sidecar held, and the database. */
    sidecar: count,
    database: count,
  }),
} as const

export type JournalEventType = keyof typeof journalEvents

/** On whose account something happened: the person here, Valise by itself, the relay, another account. */
export const actorSchema = z.enum(['person', 'device', 'relay', 'peer'])
export type JournalActor = z.output<typeof actorSchema>

export type JournalEvent = {
  [T in JournalEventType]: {
    readonly type: T
    readonly actor: JournalActor
    readonly payload: z.input<(typeof journalEvents)[T]>
  }
}[JournalEventType]

export const saltBytes = 32

/** An account under an entry's salt. Throws a TypeError for what is not a canonical UUID. */
export function peerToken(salt: Uint8Array, accountId: string): string {
  const id = fromUuid(accountId)
  if (id === null) throw new TypeError('an account id')
  return tokenOf(salt, 'valise journal peer v1\0', id)
}

/** A public identity key under an entry's salt. */
export function keyToken(salt: Uint8Array, publicKey: Uint8Array): string {
  return tokenOf(salt, 'valise journal key v1\0', publicKey)
}

function tokenOf(salt: Uint8Array, label: string, value: Uint8Array): string {
  const mac = createHmac('sha256', salt)
    .update(concatBytes(utf8(label), value))
    .digest()
  return toHex(mac.subarray(0, 16))
}
