import { fromBase64Url, fromHex, sameBytes, toBase64Url, toHex, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import type { CallOutput } from '../contract/index.ts'
import { managedRelay, relayAllowed, type EffectivePolicy } from '../policy/index.ts'
import {
  deviceKeyOf,
  identityPublicKey,
  makeKeys,
  newFirstKeyId,
  newDeviceKey,
  newIdentityKeyPair,
  newRegistrationId,
  signWithDeviceKey,
} from '../protocol/keys.ts'
import { readPendingUpload, writeAccount, type Account } from '../storage/repositories/account.ts'
import { writeSetting } from '../storage/repositories/settings.ts'
import type { Vault } from '../storage/vault.ts'
import { VaultRecords } from '../storage/writeSet.ts'
import { anchorsHash } from '../wire/anchors.ts'
import { parseRelayAddress } from '../wire/address.ts'
import { enrolmentInput } from '../wire/authentication.ts'
import { enrolRequestSchema } from '../wire/http.ts'
import { canonicalInvitationCode, parseInvitation, type Invitation } from '../wire/invitation.ts'
import { limits, protocolVersion } from '../wire/limits.ts'
import { RelayHttp } from './relay/httpClient.ts'
import { relayAgent } from './relay/pinnedAgent.ts'

/** A relay whose trust anchors are those of the invitation. */
export interface CheckedRelay {
  readonly invitation: Invitation
  readonly relayId: string
  readonly organisation: string
  readonly trustRoot: Bytes
  readonly zkPublicParams: Bytes
}

/**
 * What was typed or pasted as an invitation: the whole text, or the code alone where policy fixes the relay.
 * Throws `invitation.malformed`, `relay.insecureAddress`, `relay.notAllowed`.
 */
export function readInvitation(typed: string, policy: EffectivePolicy): Invitation {
  const invitation = codeAlone(typed, policy) ?? parseInvitation(typed)
  if (!relayAllowed(policy, invitation.address)) throw new CodedError('relay.notAllowed')
  return invitation
}

function codeAlone(typed: string, policy: EffectivePolicy): Invitation | null {
  const managed = managedRelay(policy)
  const code = canonicalInvitationCode(typed)
  if (managed === null || code === null) return null
  const { origin } = parseRelayAddress(managed.address)
  const tlsPin = managed.certificatePin === null ? null : fromHex(managed.certificatePin)
  const anchors = fromHex(managed.anchors)
  if (anchors === null) throw new CodedError('policy.malformed')
  return { address: origin, tlsPin, anchors, code }
}

/** Reaches the relay and compares its trust anchors. Throws `relay.anchors`, `relay.version` and the network's codes. */
export async function checkRelay(invitation: Invitation): Promise<CheckedRelay> {
  return await withHttp(invitation, async (http) => {
    const answer = await http.request('anchors')
    if (answer.protocolVersion !== protocolVersion) throw new CodedError('relay.version')
    const trustRoot = decoded(answer.trustRoot)
    const zkPublicParams = decoded(answer.zkPublicParams)
    if (!sameBytes(anchorsHash(trustRoot, zkPublicParams), invitation.anchors))
      throw new CodedError('relay.anchors')
    const { relayId, organisation } = answer
    return { invitation, relayId, organisation, trustRoot, zkPublicParams }
  })
}

/** Looks at an invitation without using it. */
export async function inspect(
  typed: string,
  policy: EffectivePolicy,
): Promise<CallOutput<'enrolment.inspect'>> {
  const invitation = readInvitation(typed, policy)
  const { organisation } = await checkRelay(invitation)
  const { account } = await withHttp(invitation, (http) =>
    http.request('invitation', { body: { code: invitation.code } }),
  )
  return { address: invitation.address, organisation, person: account }
}

/** Writes a device that is about to enrol into a new vault: keys first, so that none is ever published unknown. */
export function prepareAccount(vault: Vault, relay: CheckedRelay, deviceName: string, now: number): Account {
  const { invitation } = relay
  const account: Account = {
    status: 'enrolling',
    identityKeyPair: newIdentityKeyPair(),
    deviceKey: newDeviceKey().pkcs8,
    record: {
      accountId: '',
      displayName: '',
      title: '',
      service: '',
      organisation: '',
      deviceId: 1,
      deviceName,
      registrationId: newRegistrationId(),
      relayAddress: invitation.address,
      relayId: relay.relayId,
      tlsPin: invitation.tlsPin && toHex(invitation.tlsPin),
      trustRoot: toHex(relay.trustRoot),
      zkPublicParams: toHex(relay.zkPublicParams),
      invitationCode: invitation.code,
    },
  }
  const writes = new VaultRecords(vault).begin()
  const order = { firstKeyId: newFirstKeyId(), oneTime: limits.oneTimePreKeysPerUpload, lasting: true }
  const { upload, nextKeyId } = makeKeys(writes, account.identityKeyPair, order, now)
  writes.write((tx) => {
    writeAccount(tx, account, JSON.stringify(upload))
    writeSetting(tx, 'nextKeyId', String(nextKeyId))
  })
  writes.commit()
  return account
}

/**
 * Uses the invitation. Repeating it with the same device key is harmless and gives the same answer, so a lost answer
 * or a crash in between loses nothing. Commits the enrolled account and returns it.
 */
export async function enrol(vault: Vault, account: Account): Promise<Account> {
  const upload = pendingUpload(vault)
  const { record, identityKeyPair, deviceKey } = account
  const { publicKey, pkcs8 } = deviceKeyOf(deviceKey)
  const identityKey = identityPublicKey(identityKeyPair)
  const { invitationCode: code, registrationId } = record
  const proof = signWithDeviceKey(
    pkcs8,
    enrolmentInput({ code, identityKey, deviceKey: publicKey, registrationId }),
  )
  const endpoint = {
    address: record.relayAddress,
    tlsPin: record.tlsPin === null ? null : fromHex(record.tlsPin),
  }
  const answer = await withHttp(endpoint, (http) =>
    http.request('enrol', {
      body: {
        code,
        identityKey: toBase64Url(identityKey),
        deviceKey: toBase64Url(publicKey),
        registrationId,
        proof: toBase64Url(proof),
        keys: upload,
      },
    }),
  )
  const enrolled: Account = {
    ...account,
    status: 'enrolled',
    record: { ...record, ...answer.account, deviceId: answer.deviceId, invitationCode: '' },
  }
  vault.transaction((tx) => writeAccount(tx, enrolled, null))
  return enrolled
}

async function withHttp<T>(
  to: { readonly address: string; readonly tlsPin: Bytes | null },
  work: (http: RelayHttp) => Promise<T>,
): Promise<T> {
  const agent = relayAgent({ origin: to.address, tlsPin: to.tlsPin })
  try {
    return await work(new RelayHttp(to.address, agent))
  } finally {
    agent.destroy()
  }
}

function decoded(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('relay.malformedAnswer')
  return bytes
}

function pendingUpload(vault: Vault) {
  const parsed = enrolRequestSchema.shape.keys.safeParse(JSON.parse(readPendingUpload(vault.sql) ?? 'null'))
  if (!parsed.success) throw new CodedError('vault.damaged', { reason: 'enrolment' })
  return parsed.data
}
