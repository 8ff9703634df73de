import { generateKeyPairSync, randomInt, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import {
  IdentityKeyPair,
  KEMKeyPair,
  KyberPreKeyRecord,
  PreKeyRecord,
  PrivateKey,
  SignedPreKeyRecord,
} from '@signalapp/libsignal-client'
import { toBase64Url, type Bytes } from '../base/bytes.ts'
import type { WriteSet } from '../storage/writeSet.ts'
import { limits } from '../wire/limits.ts'
import type { KeyUpload } from '../wire/http.ts'

/** Key ids are 24 bits (libsignal); they start at random and go round. */
const keyIdMax = 0xff_ffff

export function newIdentityKeyPair(): Bytes {
  return IdentityKeyPair.generate().serialize()
}

export function identityPublicKey(identityKeyPair: Bytes): Bytes {
  return IdentityKeyPair.deserialize(identityKeyPair).publicKey.serialize()
}

/** Random in 1..16380: sealed sender v2 refuses ids from 0x4000 (libsignal.md 4.19). */
export function newRegistrationId(): number {
  return randomInt(1, limits.registrationIdMax + 1)
}

/** The device's own Ed25519 key: it logs the device in at the relay and signs its journal. */
export interface DeviceKey {
  readonly pkcs8: Bytes
  /** Raw 32 bytes. */
  readonly publicKey: Bytes
}

export function newDeviceKey(): DeviceKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  return deviceKeyOf(new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })))
}

export function deviceKeyOf(pkcs8: Bytes): DeviceKey {
  const spki = createPublicKey(privateDeviceKey(pkcs8)).export({ format: 'der', type: 'spki' })
  return { pkcs8, publicKey: new Uint8Array(spki.subarray(-32)) }
}

/** Ed25519 (RFC 8032), 64 bytes. */
export function signWithDeviceKey(pkcs8: Bytes, input: Uint8Array): Bytes {
  return new Uint8Array(sign(null, input, privateDeviceKey(pkcs8)))
}

function privateDeviceKey(pkcs8: Bytes) {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
}

/** Which keys a device makes now. */
export interface KeyOrder {
  /** Id of the first; ids rise and are never given twice, or a first message on its way would meet another key. */
  readonly firstKeyId: number
  /** Count of one-time keys of each kind. */
  readonly oneTime: number
  /** A signed prekey and a last-resort Kyber prekey, as at enrolment and at rotation. */
  readonly lasting: boolean
  /** The relay forgets the one-time keys that it has: after a copied vault, or under a new identity key. */
  readonly replaceOneTime?: boolean
}

/** Where a new device's key ids begin: at random, so that they tell nothing of its age. */
export function newFirstKeyId(): number {
  return randomInt(1, keyIdMax)
}

export interface MadeKeys {
  readonly upload: KeyUpload
  /** `firstKeyId` of the next order; the caller keeps it in the same write-set. */
  readonly nextKeyId: number
}

/**
 * Makes prekeys into the write-set and returns their public halves for upload. The caller commits before it uploads,
 * so that no published key is ever unknown here.
 */
export function makeKeys(writes: WriteSet, identityKeyPair: Bytes, order: KeyOrder, now: number): MadeKeys {
  const identity = IdentityKeyPair.deserialize(identityKeyPair).privateKey
  const id = (offset: number): number => ((order.firstKeyId + offset - 1) % keyIdMax) + 1
  const oneTime = Array.from({ length: order.oneTime }, (_, offset) => id(offset))
  const lastingId = id(order.oneTime)
  return {
    upload: {
      replaceOneTime: order.replaceOneTime ?? false,
      oneTimePreKeys: oneTime.map((keyId) => makePreKey(writes, keyId)),
      oneTimeKyberPreKeys: oneTime.map((keyId) => makeKyber(writes, identity, keyId, false, now)),
      ...(order.lasting && {
        signedPreKey: makeSigned(writes, identity, lastingId, now),
        lastResortKyberPreKey: makeKyber(writes, identity, lastingId, true, now),
      }),
    },
    nextKeyId: id(order.oneTime + 1),
  }
}

function makePreKey(writes: WriteSet, keyId: number) {
  const privateKey = PrivateKey.generate()
  const publicKey = privateKey.getPublicKey()
  writes.preKeys.put(String(keyId), PreKeyRecord.new(keyId, publicKey, privateKey).serialize())
  return { keyId, publicKey: toBase64Url(publicKey.serialize()) }
}

function makeSigned(writes: WriteSet, identity: PrivateKey, keyId: number, now: number) {
  const privateKey = PrivateKey.generate()
  const publicKey = privateKey.getPublicKey()
  const signature = identity.sign(publicKey.serialize())
  const record = SignedPreKeyRecord.new(keyId, now, publicKey, privateKey, signature).serialize()
  writes.signedPreKeys.put(String(keyId), { record, createdAt: now })
  return { keyId, publicKey: toBase64Url(publicKey.serialize()), signature: toBase64Url(signature) }
}

function makeKyber(writes: WriteSet, identity: PrivateKey, keyId: number, lastResort: boolean, now: number) {
  const pair = KEMKeyPair.generate()
  const publicKey = pair.getPublicKey().serialize()
  const signature = identity.sign(publicKey)
  const record = KyberPreKeyRecord.new(keyId, now, pair, signature).serialize()
  writes.kyberPreKeys.put(String(keyId), { record, lastResort, createdAt: now })
  return { keyId, publicKey: toBase64Url(publicKey), signature: toBase64Url(signature) }
}
