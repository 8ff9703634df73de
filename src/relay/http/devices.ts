import { toBase64Url } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { checkAttestation, checkKeys } from '../crypto/keyChecks.ts'
import type { HandlerDeps } from './handlers.ts'
import { bytes32Of, bytesOf, curveKeyOf, keySetOf, signatureOf } from './keys.ts'
import type { Handler, Handlers } from './registrar.ts'

type DeviceRoute =
  'devices' | 'removeDevice' | 'nameDevice' | 'replaceIdentity' | 'adoptIdentity' | 'accessKey'

/** A device and the others of its account. */
export function deviceHandlers(deps: HandlerDeps): Pick<Handlers, DeviceRoute> {
  const { store, devices } = deps
  return {
    devices: listDevices(deps),
    removeDevice: async ({ device, query }) => {
      const removed = await store.devices.remove(device.accountId, query.deviceId)
      if (removed === null) throw new CodedError('device.notFound')
      devices.removed([removed.device])
      devices.changed(device.accountId, removed.revision)
      return {}
    },
    nameDevice: async ({ device, body }) => {
      devices.changed(device.accountId, await store.devices.name(device.device, bytesOf(body.sealedName)))
      return {}
    },
    replaceIdentity: replaceIdentity(deps),
    adoptIdentity: async ({ device, body }) => {
      const identityKey = curveKeyOf(body.identityKey)
      const [attestation, keys] = [signatureOf(body.attestation), keySetOf(body.keys)]
      checkKeys(identityKey, keys)
      checkAttestation(identityKey, device, attestation)
      const adopted = await store.identities.adopt({ device: device.device, identityKey, attestation, keys })
      if (adopted === null) throw new CodedError('identity.superseded')
      devices.changed(device.accountId, adopted.revision)
      return {}
    },
    accessKey: async ({ device, body }) => {
      await store.identities.setAccessKeyHash(device.accountId, bytes32Of(body.accessKeyHash))
      return {}
    },
  }
}

function listDevices({ store }: HandlerDeps): Handler<'devices'> {
  return async ({ device }) => {
    const list = await store.devices.list(device.accountId)
    if (list === null) throw new CodedError('relay.deviceGone')
    return {
      revision: list.revision,
      identityKey: toBase64Url(list.identityKey),
      devices: list.devices.map((each) => ({
        ...each,
        deviceKey: toBase64Url(each.deviceKey),
        attestation: toBase64Url(each.attestation),
        sealedName: toBase64Url(each.sealedName),
      })),
    }
  }
}

function replaceIdentity({ store, devices }: HandlerDeps): Handler<'replaceIdentity'> {
  return async ({ device, body }) => {
    const identityKey = curveKeyOf(body.identityKey)
    const [attestation, keys] = [signatureOf(body.attestation), keySetOf(body.keys)]
    checkKeys(identityKey, keys)
    checkAttestation(identityKey, device, attestation)
    const outcome = await store.identities.replace({
      device: device.device,
      identityKey,
      attestation,
      keys,
      keep: body.keep,
      previousIdentityKey: curveKeyOf(body.previousIdentityKey),
      accessKeyHash: bytes32Of(body.accessKeyHash),
    })
    if (outcome.kind === 'superseded') throw new CodedError('identity.superseded')
    devices.removed(outcome.removed)
    devices.changed(device.accountId, outcome.revision)
    return { revision: outcome.revision }
  }
}
