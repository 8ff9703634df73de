import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { linkInput } from '../../wire/authentication.ts'
import { attestation, call, curveKey, keyUpload, type EnrolledDevice } from './client.ts'

export interface LinkingDevice {
  readonly linkId: Bytes
  readonly ephemeralKey: Bytes
  readonly nonce: Bytes
}

/** A new device that waits to be linked, with an id as if a code had been shown. */
export async function offerLink(address: string): Promise<LinkingDevice> {
  const offer = {
    linkId: new Uint8Array(randomBytes(32)),
    ephemeralKey: curveKey(),
    nonce: new Uint8Array(randomBytes(16)),
  }
  await call(address, 'linkOffer', { body: textsOf(offer) })
  return offer
}

export function textsOf(offer: LinkingDevice): { linkId: string; ephemeralKey: string; nonce: string } {
  return {
    linkId: toBase64Url(offer.linkId),
    ephemeralKey: toBase64Url(offer.ephemeralKey),
    nonce: toBase64Url(offer.nonce),
  }
}

export interface Reserved {
  readonly deviceId: number
  readonly secret: string
}

/** What the old device does: finds the offer, reserves a device, and answers. */
export async function answerLink(address: string, token: string, linkId: Bytes): Promise<Reserved> {
  const body = { linkId: toBase64Url(linkId) }
  await call(address, 'linkFind', { token, body })
  const reserved = await call(address, 'linkReserve', { token, body })
  await call(address, 'linkAnswer', { token, body: { ...body, sealed: toBase64Url(randomBytes(40)) } })
  return reserved
}

/** A device of the same account that is not yet known to the relay. */
export function siblingOf(device: EnrolledDevice, deviceId: number, registrationId = 4321): EnrolledDevice {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  return {
    ...device,
    deviceId,
    registrationId,
    deviceKey: fromBase64Url(String(x)) ?? new Uint8Array(0),
    devicePrivateKey: privateKey,
  }
}

export function completeBody(linkId: Bytes, secret: string, device: EnrolledDevice): Record<string, unknown> {
  const { deviceKey, registrationId, accountId, deviceId } = device
  const input = linkInput({
    linkId,
    secret: fromBase64Url(secret) ?? new Uint8Array(0),
    deviceKey,
    registrationId,
  })
  return {
    linkId: toBase64Url(linkId),
    secret,
    accountId,
    deviceId,
    deviceKey: toBase64Url(deviceKey),
    registrationId,
    proof: toBase64Url(sign(null, input, device.devicePrivateKey)),
    attestation: attestation(device.identity, device),
    sealedName: toBase64Url(randomBytes(20)),
    keys: keyUpload(device.identity, 2),
  }
}

/** One more device of an account, from the offer to its first keys. `token` is that of an older device. */
export async function linkDevice(
  address: string,
  older: EnrolledDevice,
  token: string,
): Promise<EnrolledDevice> {
  const { linkId } = await offerLink(address)
  const { deviceId, secret } = await answerLink(address, token, linkId)
  await call(address, 'linkTake', { body: { linkId: toBase64Url(linkId) } })
  const device = siblingOf(older, deviceId)
  await call(address, 'linkComplete', { body: completeBody(linkId, secret, device) })
  return device
}
