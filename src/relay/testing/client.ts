import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { IdentityKeyPair, KEMKeyPair, PrivateKey } from '@signalapp/libsignal-client'
import { fromUuid, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { attestationInput, authenticationInput, enrolmentInput } from '../../wire/authentication.ts'
import { unbound } from '../../wire/channel.ts'
import { routes, type KeyUpload, type RouteAnswer, type RouteName } from '../../wire/http.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'

/** The keys of a scripted device: real ones, made by libsignal. */
export interface TestDevice {
  readonly identity: IdentityKeyPair
  readonly registrationId: number
  readonly deviceKey: Bytes
  readonly devicePrivateKey: KeyObject
  /** Of the account: who shows it may write. */
  readonly accessKey: Bytes
}

export interface EnrolledDevice extends TestDevice {
  readonly accountId: string
  readonly deviceId: number
}

export function newDevice(registrationId = 1234): TestDevice {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  return {
    identity: IdentityKeyPair.generate(),
    registrationId,
    deviceKey: new Uint8Array(Buffer.from(String(x), 'base64url')),
    devicePrivateKey: privateKey,
    accessKey: new Uint8Array(randomBytes(16)),
  }
}

/** What the account's identity key signs of a device. */
export function attestation(
  identity: IdentityKeyPair,
  device: { accountId: string; deviceId: number; registrationId: number; deviceKey: Bytes },
): string {
  const input = attestationInput({ ...device, accountId: uuidOf(device.accountId) })
  return toBase64Url(identity.privateKey.sign(input))
}

export function hashOf(bytes: Uint8Array): string {
  return toBase64Url(createHash('sha256').update(bytes).digest())
}

/** A full upload: signed prekey, last resort, and `oneTime` keys of each kind. */
export function keyUpload(identity: IdentityKeyPair, oneTime: number, firstId = 1): Required<KeyUpload> {
  const ids = Array.from({ length: oneTime }, (_, index) => firstId + index)
  return {
    signedPreKey: signedKey(identity, 1, curveKey()),
    lastResortKyberPreKey: signedKey(identity, 0xff_ffff, kyber()),
    oneTimePreKeys: ids.map((keyId) => ({ keyId, publicKey: toBase64Url(curveKey()) })),
    oneTimeKyberPreKeys: ids.map((keyId) => signedKey(identity, keyId, kyber())),
    replaceOneTime: false,
  }
}

function signedKey(
  identity: IdentityKeyPair,
  keyId: number,
  publicKey: Bytes,
): Required<KeyUpload>['signedPreKey'] & object {
  const signature = identity.privateKey.sign(publicKey)
  return { keyId, publicKey: toBase64Url(publicKey), signature: toBase64Url(signature) }
}

export function curveKey(): Bytes {
  return PrivateKey.generate().getPublicKey().serialize()
}

function kyber(): Bytes {
  return KEMKeyPair.generate().getPublicKey().serialize()
}

/** `accountId` is what the attestation names: the code's account, or a wrong one for a test. */
export function enrolBody(
  code: string,
  accountId: string,
  device: TestDevice,
  oneTime = 2,
): Record<string, unknown> {
  const identityKey = device.identity.publicKey.serialize()
  const { deviceKey, registrationId } = device
  const input = enrolmentInput({ code, identityKey, deviceKey, registrationId })
  return {
    code,
    identityKey: toBase64Url(identityKey),
    deviceKey: toBase64Url(deviceKey),
    registrationId,
    proof: toBase64Url(sign(null, input, device.devicePrivateKey)),
    attestation: attestation(device.identity, { ...device, accountId, deviceId: limits.firstDeviceId }),
    accessKeyHash: hashOf(device.accessKey),
    keys: keyUpload(device.identity, oneTime),
  }
}

export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
}

export interface AskOptions {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** One raw request; nothing is checked on the way out, so that bad input can be sent too. */
export async function ask(
  address: string,
  method: string,
  path: string,
  options: AskOptions & { readonly raw?: string } = {},
): Promise<HttpAnswer> {
  const text = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body))
  const headers: Record<string, string> = { ...options.headers }
  if (text !== null) headers['content-type'] = 'application/json'
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`
  const answer = await fetch(address + path, { method, headers, body: text })
  return { status: answer.status, body: await answer.json() }
}

/** A request that has to succeed, with its answer checked by the wire's own schema. */
export async function call<N extends RouteName>(
  address: string,
  name: N,
  options: AskOptions & { readonly query?: Record<string, string> } = {},
): Promise<RouteAnswer<N>> {
  const { method, path, answer } = routes[name]
  const query = options.query === undefined ? '' : `?${new URLSearchParams(options.query).toString()}`
  const { status, body } = await ask(address, method, path + query, options)
  if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`)
  return answer.parse(body) as RouteAnswer<N>
}

export async function enrolDevice(
  address: string,
  code: string,
  device = newDevice(),
  oneTime = 2,
): Promise<EnrolledDevice> {
  const { accountId } = (await call(address, 'invitation', { body: { code } })).account
  const { deviceId } = await call(address, 'enrol', { body: enrolBody(code, accountId, device, oneTime) })
  return { ...device, deviceId, accountId }
}

export interface Proof {
  readonly accountId: Uint8Array
  readonly deviceId: number
  readonly signature: Uint8Array
  readonly protocolVersion: number
  readonly generation: Uint8Array
  readonly holder: Uint8Array
  readonly takenUpTo: bigint
  readonly channelBinding: Uint8Array
}

/** What a device says of its vault; a new device when left out. */
export type TestVault = Partial<Pick<Proof, 'generation' | 'holder' | 'takenUpTo'>>

export function proof(
  device: EnrolledDevice,
  relayId: string,
  nonce: Uint8Array,
  vault: TestVault = {},
  channelBinding: Uint8Array = unbound,
): Proof {
  const accountId = uuidOf(device.accountId)
  const input = authenticationInput({
    relayId,
    nonce,
    accountId,
    deviceId: device.deviceId,
    channel: channelBinding,
  })
  const signature = sign(null, input, device.devicePrivateKey)
  // One run of the program, unless a test says otherwise.
  const usual = {
    generation: new Uint8Array(0),
    holder: device.deviceKey.subarray(0, 16),
    takenUpTo: BigInt(Number.MAX_SAFE_INTEGER),
  }
  return {
    accountId,
    deviceId: device.deviceId,
    signature,
    protocolVersion,
    channelBinding,
    ...usual,
    ...vault,
  }
}

export function uuidOf(accountId: string): Bytes {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new Error('not a UUID')
  return bytes
}

/** A message id that a test can name. */
export function messageIdOf(name: string): Uint8Array {
  return createHash('sha256').update(name).digest().subarray(0, 16)
}
