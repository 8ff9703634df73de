import { fromBase64Url, fromHex, sameBytes, toBase64Url, toHex, type Bytes } from '../../base/bytes.ts'
import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { CallOutput } from '../../contract/index.ts'
import { managedRelay, relayAllowed, type EffectivePolicy } from '../../policy/index.ts'
import { attest } from '../../protocol/attestation.ts'
import { sealName } from '../../protocol/deviceName.ts'
import {
  deviceKeyOf,
  identityPublicKey,
  makeKeys,
  newFirstKeyId,
  newDeviceKey,
  newIdentityKeyPair,
  newRegistrationId,
  signWithDeviceKey,
} from '../../protocol/keys.ts'
import { accessKeyHash, accessKeyOf, newProfileKey } from '../../protocol/profileKey.ts'
import {
  readPendingLink,
  readPendingUpload,
  writeAccount,
  writePendingLink,
  type Account,
} from '../../storage/repositories/account.ts'
import { writeSetting } from '../../storage/repositories/settings.ts'
import type { Vault } from '../../storage/vault.ts'
import { VaultRecords } from '../../storage/writeSet.ts'
import { anchorsHash } from '../../wire/anchors.ts'
import { parseRelayAddress } from '../../wire/address.ts'
import { enrolmentInput, linkInput } from '../../wire/authentication.ts'
import { enrolRequestSchema, type DirectoryEntry } from '../../wire/http.ts'
import { canonicalInvitationCode, parseInvitation, type Invitation } from '../../wire/invitation.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import { parseRelayText } from '../../wire/linking.ts'
import { RelayHttp } from '../relay/httpClient.ts'
import { relayAgent } from '../relay/pinnedAgent.ts'
import { stored } from './self.ts'
import type { TakenOver } from './waitingForLink.ts'

/** How a relay is reached, and what its trust anchors must hash to. */
export interface NamedRelay {
  readonly address: string
  readonly tlsPin: Bytes | null
  readonly anchors: Bytes
  readonly tlsEndsAtProxy: boolean
}

/** A relay whose trust anchors are those that were named. */
export interface CheckedRelay {
  readonly named: NamedRelay
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

/** The relay as another device of the account writes it; empty where policy fixes it. Throws as `readInvitation`. */
export function readRelay(typed: string, policy: EffectivePolicy): NamedRelay {
  const relay = typed.trim() === '' ? relayOfPolicy(policy) : parseRelayText(typed)
  if (relay === null) throw new CodedError('invitation.malformed')
  if (!relayAllowed(policy, relay.address)) throw new CodedError('relay.notAllowed')
  return relay
}

function codeAlone(typed: string, policy: EffectivePolicy): Invitation | null {
  const code = canonicalInvitationCode(typed)
  const relay = code === null ? null : relayOfPolicy(policy)
  return code === null || relay === null ? null : { ...relay, code }
}

function relayOfPolicy(policy: EffectivePolicy): NamedRelay | null {
  const managed = managedRelay(policy)
  if (managed === null) return null
  const { origin } = parseRelayAddress(managed.address)
  const tlsPin = managed.certificatePin === null ? null : fromHex(managed.certificatePin)
  const anchors = fromHex(managed.anchors)
  if (anchors === null) throw new CodedError('policy.malformed')
  return { address: origin, tlsPin, anchors, tlsEndsAtProxy: managed.tlsEndsAtProxy }
}

/** Reaches the relay and compares its trust anchors. Throws `relay.anchors`, `relay.version` and the network's codes. */
export async function checkRelay(named: NamedRelay): Promise<CheckedRelay> {
  return await withHttp(named, async (http) => {
    const answer = await http.request('anchors')
    if (answer.protocolVersion !== protocolVersion) throw new CodedError('relay.version')
    const trustRoot = decoded(answer.trustRoot)
    const zkPublicParams = decoded(answer.zkPublicParams)
    if (!sameBytes(anchorsHash(trustRoot, zkPublicParams), named.anchors))
      throw new CodedError('relay.anchors')
    const { relayId, organisation } = answer
    return { named, relayId, organisation, trustRoot, zkPublicParams }
  })
}

/** Looks at an invitation without using it. */
export async function inspect(
  typed: string,
  policy: EffectivePolicy,
): Promise<CallOutput<'enrolment.inspect'>> {
  const invitation = readInvitation(typed, policy)
  const { organisation } = await checkRelay(invitation)
  return { address: invitation.address, organisation, person: await invitedPerson(invitation) }
}

/** Whose invitation it is. Throws the relay's refusals of an invitation. */
export async function invitedPerson(invitation: Invitation): Promise<DirectoryEntry> {
  const { account } = await withHttp(invitation, (http) =>
    http.request('invitation', { body: { code: invitation.code } }),
  )
  return account
}

/** Who a new vault is for, and how it comes to its account. */
export interface NewAccount {
  readonly status: 'enrolling' | 'linking'
  readonly person: DirectoryEntry
  readonly deviceId: number
  readonly deviceName: string
  readonly identityKeyPair: Bytes
  readonly profileKey: Bytes
  /** Empty for a device that is linked. */
  readonly invitationCode: string
  /** What a linked device has still to show the relay; null for one that is invited. */
  readonly pendingLink: string | null
}

/** An account of its own, by an invitation. */
export function invitedAccount(
  person: DirectoryEntry,
  invitationCode: string,
  deviceName: string,
): NewAccount {
  return {
    status: 'enrolling',
    person,
    deviceId: limits.firstDeviceId,
    deviceName,
    identityKeyPair: newIdentityKeyPair(),
    profileKey: newProfileKey(),
    invitationCode,
    pendingLink: null,
  }
}

/** The account of another device, whose keys were handed over. Names come from the relay with its confirmation. */
export function linkedAccount({ linkId, handover }: TakenOver, deviceName: string): NewAccount {
  const { accountId, deviceId, identityKeyPair, profileKey, secret } = handover
  return {
    status: 'linking',
    person: { accountId, displayName: '', title: '', service: '', organisation: '' },
    deviceId,
    deviceName,
    identityKeyPair,
    profileKey,
    invitationCode: '',
    pendingLink: pendingLinkText(linkId, secret),
  }
}

/** Writes a device that is about to enrol into a new vault: keys first, so that none is ever published unknown. */
export function prepareAccount(vault: Vault, relay: CheckedRelay, given: NewAccount, now: number): Account {
  const { address, tlsPin, tlsEndsAtProxy } = relay.named
  const account: Account = {
    status: given.status,
    identityKeyPair: given.identityKeyPair,
    profileKey: given.profileKey,
    deviceKey: newDeviceKey().pkcs8,
    record: {
      ...given.person,
      deviceId: given.deviceId,
      deviceName: given.deviceName,
      registrationId: newRegistrationId(),
      relayAddress: address,
      relayId: relay.relayId,
      tlsPin: tlsPin && toHex(tlsPin),
      tlsEndsAtProxy,
      trustRoot: toHex(relay.trustRoot),
      zkPublicParams: toHex(relay.zkPublicParams),
      invitationCode: given.invitationCode,
    },
  }
  const writes = new VaultRecords(vault).begin()
  const order = { firstKeyId: newFirstKeyId(), oneTime: limits.oneTimePreKeysPerUpload, lasting: true }
  const { upload, nextKeyId } = makeKeys(writes, account.identityKeyPair, order, now)
  writes.write((tx) => {
    writeAccount(tx, account, JSON.stringify(upload))
    writePendingLink(tx, given.pendingLink)
    writeSetting(tx, 'nextKeyId', String(nextKeyId))
  })
  writes.commit()
  return account
}

/**
 * Makes the device at the relay, by invitation or by link. Repeating it with the same device key is harmless and gives
 * the same answer, so a lost answer or a crash in between loses nothing. Commits the enrolled account and returns it.
 */
export async function enrol(vault: Vault, account: Account): Promise<Account> {
  const { record } = account
  const person =
    account.status === 'linking' ? await completeLink(vault, account) : await redeem(vault, account)
  // The attestation names the account: an answer about another one is no answer.
  if (person.accountId !== record.accountId) throw new CodedError('relay.malformedAnswer')
  const enrolled: Account = {
    ...account,
    status: 'enrolled',
    record: { ...record, ...person, invitationCode: '' },
  }
  vault.transaction((tx) => {
    writeAccount(tx, enrolled, null)
    writePendingLink(tx, null)
  })
  return enrolled
}

async function redeem(vault: Vault, account: Account): Promise<DirectoryEntry> {
  const { record, identityKeyPair, profileKey, deviceKey } = account
  const { publicKey, pkcs8 } = deviceKeyOf(deviceKey)
  const identityKey = identityPublicKey(identityKeyPair)
  const { invitationCode: code, registrationId } = record
  const input = enrolmentInput({ code, identityKey, deviceKey: publicKey, registrationId })
  const answer = await withHttp(endpointOf(account), (http) =>
    http.request('enrol', {
      body: {
        code,
        identityKey: toBase64Url(identityKey),
        deviceKey: toBase64Url(publicKey),
        registrationId,
        proof: toBase64Url(signWithDeviceKey(pkcs8, input)),
        attestation: attestationOf(account),
        accessKeyHash: toBase64Url(accessKeyHash(accessKeyOf(profileKey))),
        keys: pendingUpload(vault),
      },
    }),
  )
  if (answer.deviceId !== record.deviceId) throw new CodedError('relay.malformedAnswer')
  return answer.account
}

async function completeLink(vault: Vault, account: Account): Promise<DirectoryEntry> {
  const { record, deviceKey } = account
  const { publicKey, pkcs8 } = deviceKeyOf(deviceKey)
  const { linkId, secret } = pendingLink(vault)
  const { accountId, deviceId, registrationId, deviceName } = record
  const input = linkInput({ linkId, secret, deviceKey: publicKey, registrationId })
  const answer = await withHttp(endpointOf(account), (http) =>
    http.request('linkComplete', {
      body: {
        linkId: toBase64Url(linkId),
        secret: toBase64Url(secret),
        accountId,
        deviceId,
        deviceKey: toBase64Url(publicKey),
        registrationId,
        proof: toBase64Url(signWithDeviceKey(pkcs8, input)),
        attestation: attestationOf(account),
        sealedName: toBase64Url(sealName(account.identityKeyPair, deviceId, deviceName)),
        keys: pendingUpload(vault),
      },
    }),
  )
  return answer.account
}

/** The account's word for this device, base64url. */
export function attestationOf(account: Account): string {
  const { accountId, deviceId, registrationId } = account.record
  const deviceKey = deviceKeyOf(account.deviceKey).publicKey
  return toBase64Url(attest(account.identityKeyPair, { accountId, deviceId, registrationId, deviceKey }))
}

function endpointOf({ record }: Account): Omit<NamedRelay, 'anchors'> {
  const { relayAddress, tlsPin, tlsEndsAtProxy } = record
  return { address: relayAddress, tlsPin: tlsPin === null ? null : fromHex(tlsPin), tlsEndsAtProxy }
}

export async function withHttp<T>(
  to: Omit<NamedRelay, 'anchors'>,
  work: (http: RelayHttp) => Promise<T>,
): Promise<T> {
  const agent = relayAgent({ origin: to.address, ...to })
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

const pendingLinkSchema = z.strictObject({ linkId: z.string(), secret: z.string() })

/** What a device that is being linked shows the relay, as its vault keeps it. */
export function pendingLinkText(linkId: Bytes, secret: Bytes): string {
  return JSON.stringify({ linkId: toHex(linkId), secret: toHex(secret) })
}

function pendingLink(vault: Vault): { readonly linkId: Bytes; readonly secret: Bytes } {
  const parsed = pendingLinkSchema.safeParse(JSON.parse(readPendingLink(vault.sql) ?? 'null'))
  if (!parsed.success) throw new CodedError('vault.damaged', { reason: 'enrolment' })
  return { linkId: stored(parsed.data.linkId), secret: stored(parsed.data.secret) }
}
