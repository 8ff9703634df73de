import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { attest } from '../../protocol/attestation.ts'
import { lowOrderKey, signBy } from '../../protocol/forging.ts'
import { identityPublicKey, newIdentityKeyPair } from '../../protocol/keys.ts'
import type { Bundle } from '../../wire/http.ts'
import type { Attack } from './attack.ts'
import type { Stage } from './stage.ts'

type Device = Bundle['devices'][number]

const lowOrder = toBase64Url(lowOrderKey)
const noSignature = toBase64Url(new Uint8Array(64))

/** A bundle whose first device is another one. */
function withDevice(change: (device: Device) => unknown): (bundle: Bundle) => unknown {
  return (bundle) => ({ ...bundle, devices: bundle.devices.map((device) => change(device)) })
}

function bundleAttack(
  does: string,
  gives: Attack['gives'],
  change: (bundle: Bundle, stage: Stage) => unknown,
  comesOf: Attack['comesOf'] = 'shown',
): Attack {
  return { does, comesOf, gives, run: (stage) => stage.withBundle((bundle) => change(bundle, stage)) }
}

/** The keys of somebody else's device, as that one would sign them. */
function ownKeys(stage: Stage): { readonly identityKeyPair: Bytes; readonly identityKey: string } {
  const { identityKeyPair } = stage.mallory.account
  return { identityKeyPair, identityKey: toBase64Url(identityPublicKey(identityKeyPair)) }
}

/** What it can say of other people's keys when somebody begins a session. */
export const bundleAttacks: readonly Attack[] = [
  bundleAttack(
    'forges the signature of the signed prekey',
    'bundle.signature',
    withDevice((device) => ({
      ...device,
      signedPreKey: { ...device.signedPreKey, signature: noSignature },
    })),
  ),
  bundleAttack(
    'offers a prekey of its own under the signature of the true one',
    'bundle.signature',
    (bundle, stage) =>
      withDevice((device) => ({
        ...device,
        signedPreKey: { ...device.signedPreKey, publicKey: ownKeys(stage).identityKey },
      }))(bundle),
  ),
  bundleAttack(
    'leaves the Kyber prekey out',
    'bundle.noKyberKey',
    withDevice(({ kyberPreKey: _left, ...device }) => device),
  ),
  bundleAttack(
    'puts a curve key in the place of the Kyber prekey',
    'bundle.noKyberKey',
    withDevice((device) => ({
      ...device,
      kyberPreKey: { ...device.kyberPreKey, publicKey: device.signedPreKey.publicKey },
    })),
  ),
  bundleAttack(
    'forges the signature of the Kyber prekey',
    'bundle.signature',
    withDevice((device) => ({ ...device, kyberPreKey: { ...device.kyberPreKey, signature: noSignature } })),
  ),
  bundleAttack(
    'gives a signed prekey of low order',
    'bundle.malformed',
    withDevice((device) => ({ ...device, signedPreKey: { ...device.signedPreKey, publicKey: lowOrder } })),
  ),
  bundleAttack(
    'gives a one-time prekey of low order',
    'bundle.malformed',
    withDevice((device) => ({ ...device, preKey: { keyId: 1, publicKey: lowOrder } })),
  ),
  bundleAttack('gives an identity key of low order', 'bundle.malformed', (bundle) => ({
    ...bundle,
    identityKey: lowOrder,
  })),
  bundleAttack('answers with something that is no bundle', 'bundle.malformed', () => ({ devices: 'none' })),
  bundleAttack('names no device at all', null, (bundle) => ({ ...bundle, devices: [] }), 'healed'),
  bundleAttack('adds a device that nobody has attested', 'device.attestation', (bundle) => ({
    ...bundle,
    devices: bundle.devices.flatMap((device) => [{ ...device, attestation: noSignature }]),
  })),
  bundleAttack(
    'offers a device under the number and attestation of another',
    'device.attestation',
    withDevice((device) => ({ ...device, registrationId: (device.registrationId % 16_000) + 1 })),
  ),
  bundleAttack(
    'replaces the key of an attested device by its own',
    'device.attestation',
    withDevice((device) => ({ ...device, deviceKey: toBase64Url(new Uint8Array(32).fill(7)) })),
  ),
  bundleAttack('swaps the identity key and leaves the rest', 'device.attestation', (bundle, stage) => ({
    ...bundle,
    identityKey: ownKeys(stage).identityKey,
  })),
  {
    does: 'swaps the identity key and attests the device with it',
    comesOf: 'shown',
    gives: 'identity.changed',
    run: async (stage) => {
      const given = await stage.withBundle((bundle) => selfMade(bundle, stage.idOfB, newIdentityKeyPair()))
      await stage.forgetChangedKeys()
      return given
    },
  },
  bundleAttack(
    'names the same device twice',
    null,
    (bundle) => ({ ...bundle, devices: bundle.devices.flatMap((device) => [device, device]) }),
    'healed',
  ),
]

/** The attacker's identity, with good signatures of its own. */
export function selfMade(bundle: Bundle, accountId: string, identityKeyPair: Bytes): Bundle {
  const signed = <K extends { readonly publicKey: string }>(key: K): K & { readonly signature: string } => ({
    ...key,
    signature: toBase64Url(signBy(identityKeyPair, decoded(key.publicKey))),
  })
  return {
    identityKey: toBase64Url(identityPublicKey(identityKeyPair)),
    devices: bundle.devices.map((device) => {
      const { deviceId, registrationId } = device
      const attested = { accountId, deviceId, registrationId, deviceKey: decoded(device.deviceKey) }
      return {
        ...device,
        attestation: toBase64Url(attest(identityKeyPair, attested)),
        signedPreKey: signed(device.signedPreKey),
        kyberPreKey: signed(device.kyberPreKey),
      }
    }),
  }
}

const decoded = (text: string): Bytes => fromBase64Url(text) ?? new Uint8Array()
