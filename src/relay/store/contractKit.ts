import { randomBytes, randomUUID } from 'node:crypto'
import { fromUuid, utf8, type Bytes } from '../../base/bytes.ts'
import type { NewDevice } from './deviceStore.ts'
import type {
  Authorisation,
  DeviceEnvelopeInput,
  Enrolment,
  KeySet,
  PutRequest,
  RelayStore,
  SpendablePermit,
} from './store.ts'

export interface EnrolledAccount {
  readonly accountId: string
  /** The store's number of its first device. */
  readonly device: number
  readonly identityKey: Bytes
  readonly accessKeyHash: Bytes
}

export async function invite(
  store: RelayStore,
  name: string,
): Promise<{ codeHash: Bytes; accountId: string }> {
  const accountId = randomUUID()
  const account = {
    accountId,
    displayName: name,
    title: '',
    service: 'Service des essais',
    organisation: 'Ministère',
  }
  const codeHash = bytes(32)
  await store.invitations.create({ account, codeHash, createdAt: 1_000, expiresAt: 2_000 })
  return { codeHash, accountId }
}

export async function enrol(store: RelayStore, name: string, keys = keySet(0)): Promise<EnrolledAccount> {
  const { codeHash, accountId } = await invite(store, name)
  const enrolment = { ...enrolmentFor(codeHash), keys }
  await store.invitations.redeem(enrolment)
  const { identityKey, accessKeyHash } = enrolment
  return { accountId, device: await deviceOf(store, accountId, 1), identityKey, accessKeyHash }
}

export function enrolmentFor(codeHash: Bytes): Enrolment {
  return {
    codeHash,
    attestation: bytes(64),
    accessKeyHash: bytes(32),
    identityKey: bytes(33),
    deviceKey: bytes(32),
    registrationId: 42,
    keys: keySet(0),
    now: 1_500,
  }
}

/** Keys as the store sees them: bytes that nobody checks here. */
export function keySet(oneTime: number, firstId = 1): KeySet {
  const ids = Array.from({ length: oneTime }, (_, index) => firstId + index)
  const signed = (keyId: number): NonNullable<KeySet['signedPreKey']> => ({
    keyId,
    publicKey: bytes(33),
    signature: bytes(64),
  })
  return {
    replaceOneTime: false,
    signedPreKey: signed(1),
    lastResortKyberPreKey: signed(9_000),
    oneTimePreKeys: ids.map((keyId) => ({ keyId, publicKey: bytes(33) })),
    oneTimeKyberPreKeys: ids.map(signed),
  }
}

export function envelopeFor(account: EnrolledAccount, body: string): PutRequest {
  const envelope = { deviceId: 1, registrationId: 42, messageId: bytes(16), body: utf8(body) }
  return putTo(account, [envelope])
}

/** With the account's access key, unless told otherwise. */
export function putTo(
  account: EnrolledAccount,
  envelopes: readonly DeviceEnvelopeInput[],
  by: Authorisation = { kind: 'accessKey', hash: account.accessKeyHash },
): PutRequest {
  return { destination: uuid(account.accountId), by, someDevices: false, envelopes }
}

export function envelope(deviceId: number, body = 'x', registrationId = 42): DeviceEnvelopeInput {
  return { deviceId, registrationId, messageId: bytes(16), body: utf8(body) }
}

export function permit(expiresAt = 1e9): SpendablePermit {
  return { spendId: bytes(32), expiresAt }
}

export async function deviceOf(store: RelayStore, accountId: string, deviceId: number): Promise<number> {
  return (await store.devices.find(accountId, deviceId))?.device ?? 0
}

/** One more device of an account; answers the store's number. */
export async function addDevice(
  store: RelayStore,
  account: EnrolledAccount,
  deviceId: number,
): Promise<number> {
  await store.devices.add(newDevice(account, deviceId))
  return deviceOf(store, account.accountId, deviceId)
}

/** One that the account's first device wants. */
export function newDevice(
  { accountId, identityKey, device }: Omit<EnrolledAccount, 'accessKeyHash'>,
  deviceId: number,
): NewDevice {
  return {
    accountId,
    by: device,
    identityKey,
    deviceId,
    deviceKey: bytes(32),
    registrationId: 42,
    attestation: bytes(64),
    sealedName: utf8('name'),
    keys: keySet(1),
    now: 1_700,
  }
}

export function uuid(accountId: string): Bytes {
  return fromUuid(accountId) ?? bytes(16)
}

export function bytes(length: number): Bytes {
  return new Uint8Array(randomBytes(length))
}

export function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString()
}
