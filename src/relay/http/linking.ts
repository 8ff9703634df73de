import { sameBytes, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { linkInput } from '../../wire/authentication.ts'
import { checkAttestation, checkKeys } from '../crypto/keyChecks.ts'
import { verifyByDeviceKey } from '../deviceKeys.ts'
import { devicesAtMost } from '../accounts/standing.ts'
import type { Spender } from '../budgets/ledger.ts'
import type { DeviceList, DeviceRecord, NewDevice } from '../store/deviceStore.ts'
import type { RelayStore } from '../store/store.ts'
import type { HandlerDeps } from './handlers.ts'
import { bytes32Of, bytesOf, curveKeyOf, exactBytes, keySetOf, signatureOf } from './keys.ts'
import type { Handler, Handlers, ParsedBody } from './registrar.ts'

type LinkRoute = 'linkOffer' | 'linkFind' | 'linkReserve' | 'linkAnswer' | 'linkTake' | 'linkComplete'

const nonceBytes = 16

/** The steps by which an account gets another device. */
export function linkHandlers(deps: HandlerDeps): Pick<Handlers, LinkRoute> {
  const { linking, rateLimits, store } = deps
  return {
    linkOffer: async ({ body, address }) => {
      await rateLimits.link(address)
      const nonce = exactBytes(body.nonce, nonceBytes)
      const [linkId, ephemeralKey] = [bytes32Of(body.linkId), curveKeyOf(body.ephemeralKey)]
      return { expiresAt: await linking.meet(linkId, null, (at) => at.offer(linkId, ephemeralKey, nonce)) }
    },
    linkFind: async ({ device, body }) => {
      checkMayLink(device)
      const [linkId, { accountId }] = [bytes32Of(body.linkId), device]
      const { ephemeralKey, nonce } = await linking.meet(linkId, accountId, (at) =>
        at.find(linkId, accountId),
      )
      return { ephemeralKey: toBase64Url(ephemeralKey), nonce: toBase64Url(nonce) }
    },
    linkReserve: async ({ device, body }) => {
      checkMayLink(device)
      // Told here, where a person typed the code; counted once there is a device.
      await deps.ledger.check(linkerOf(device.accountId, device.deviceId), 'links')
      const [linkId, { accountId }] = [bytes32Of(body.linkId), device]
      const list = await listOf(store, accountId)
      const { deviceId, secret } = await linking.meet(linkId, accountId, (at) =>
        at.reserve(linkId, device, list),
      )
      return { deviceId, secret: toBase64Url(secret) }
    },
    linkAnswer: async ({ device, body }) => {
      const [linkId, sealed, { accountId }] = [bytes32Of(body.linkId), bytesOf(body.sealed), device]
      await linking.meet(linkId, accountId, (at) => at.answer(linkId, accountId, sealed))
      return {}
    },
    linkTake: async ({ body, address }) => {
      await rateLimits.link(address)
      const linkId = bytes32Of(body.linkId)
      const sealed = await linking.meet(linkId, null, (at) => at.take(linkId))
      return { sealed: sealed === null ? null : toBase64Url(sealed) }
    },
    linkComplete: complete(deps),
  }
}

function checkMayLink({ standing }: DeviceRecord): void {
  if (devicesAtMost(standing.role) === 1) throw new CodedError('account.guest')
}

function complete(deps: HandlerDeps): Handler<'linkComplete'> {
  return async ({ body, address }) => {
    await deps.rateLimits.link(address)
    const { accountId } = body
    const list = await deps.store.devices.list(accountId)
    if (list === null) throw new CodedError('link.unknown')
    if (!isRepeated(list, body)) await add(deps, body, list)
    const account = await deps.store.accounts.find(accountId)
    if (account === null) throw new CodedError('link.unknown')
    return { account }
  }
}

async function add(deps: HandlerDeps, body: ParsedBody<'linkComplete'>, list: DeviceList): Promise<void> {
  const linkId = bytes32Of(body.linkId)
  // Cheap refusals first: signatures are checked only for someone whom the account expects.
  const { accountId, deviceId } = body
  const secret = bytes32Of(body.secret)
  const by = await deps.linking.meet(linkId, accountId, (at) =>
    at.reservedBy(linkId, accountId, deviceId, secret),
  )
  if (by === null) throw new CodedError('link.unknown')
  const device = { ...newDeviceOf(body, list.identityKey, deps.clock.now()), by }
  checkProof(body, device.deviceKey)
  checkKeys(list.identityKey, device.keys)
  checkAttestation(list.identityKey, device, device.attestation)
  await deps.ledger.spend(linkerOf(accountId, await deviceIdOf(deps.store, accountId, list, by)), 'links')
  const outcome = await deps.store.devices.add(device)
  if (outcome.kind === 'limit') throw new CodedError('device.limit')
  if (outcome.kind !== 'added') throw new CodedError('link.unknown')
  await deps.linking.meet(linkId, accountId, (at) => at.end(linkId))
  deps.log.info('device linked')
  deps.devices.changed(body.accountId, outcome.revision)
}

/** Linked devices count for the account; the one that brings another is asked for a second factor. */
function linkerOf(accountId: string, asked: number): Spender {
  return { accountId, deviceId: 0, asked }
}

async function deviceIdOf(
  { devices }: RelayStore,
  accountId: string,
  list: DeviceList,
  by: number,
): Promise<number> {
  for (const { deviceId } of list.devices)
    if ((await devices.find(accountId, deviceId))?.device === by) return deviceId
  throw new CodedError('link.unknown')
}

/** The answer may have been lost: who has the device's own key gets it again, also after a restart of the relay. */
function isRepeated(list: DeviceList, body: ParsedBody<'linkComplete'>): boolean {
  const deviceKey = bytes32Of(body.deviceKey)
  const known = list.devices.find((device) => device.deviceId === body.deviceId)
  if (known === undefined || !sameBytes(known.deviceKey, deviceKey)) return false
  checkProof(body, deviceKey)
  return true
}

function checkProof(body: ParsedBody<'linkComplete'>, deviceKey: Bytes): void {
  const input = linkInput({
    linkId: bytes32Of(body.linkId),
    secret: bytes32Of(body.secret),
    deviceKey,
    registrationId: body.registrationId,
  })
  if (!verifyByDeviceKey(deviceKey, input, signatureOf(body.proof))) throw new CodedError('keys.signature')
}

function newDeviceOf(
  body: ParsedBody<'linkComplete'>,
  identityKey: Bytes,
  now: number,
): Omit<NewDevice, 'by'> {
  return {
    accountId: body.accountId,
    identityKey,
    deviceId: body.deviceId,
    deviceKey: bytes32Of(body.deviceKey),
    registrationId: body.registrationId,
    attestation: signatureOf(body.attestation),
    sealedName: bytesOf(body.sealedName),
    keys: keySetOf(body.keys),
    now,
  }
}

async function listOf(store: RelayStore, accountId: string): Promise<DeviceList> {
  const list = await store.devices.list(accountId)
  if (list === null) throw new CodedError('relay.deviceGone')
  return list
}
