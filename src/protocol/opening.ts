import {
  CiphertextMessageType,
  PreKeySignalMessage,
  signalDecrypt,
  signalDecryptPreKey,
  SignalMessage,
} from '@signalapp/libsignal-client'
import { sameBytes, type Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { unpad } from '../content/padding.ts'
import { deviceKey } from '../storage/records.ts'
import type { WriteSet } from '../storage/writeSet.ts'
import { protocolAddress, type Address } from './address.ts'
import type { CertificateJudge } from './certificateJudge.ts'
import { protocolError } from './errors.ts'
import { readRetryRequest, retryRequest } from './retry.ts'
import { unseal, type Unsealed, type WhenUnreadable } from './sealedSender.ts'
import { IdentityStore, knownIdentity, Stores, type LocalIdentity, type RetiredPlace } from './stores.ts'

export interface Opened {
  readonly kind: 'opened'
  readonly sender: Address
  /** Encoded content, padding removed. */
  readonly content: Bytes
  /** The first message of a session used prekeys up. */
  readonly keysUsed: boolean
  /** Id of the last-resort Kyber key, where the first message of a session took it: recorded in the journal. */
  readonly lastResortUsed: number | null
  /** The sender's identity key was seen for the first time. */
  readonly firstSeen: boolean
}

/** The sender could not read a message of ours. Not encrypted: sealed sender alone says who asks. */
export interface RetryRequested {
  readonly kind: 'retryRequest'
  readonly sender: Address
  /** `retryReference` of the envelope that it could not read. */
  readonly reference: number
  /** That message was made with the session's present ratchet key: sending again needs a new session. */
  readonly ratchetKeyMatches: boolean
}

export interface Refused {
  readonly kind: 'refused'
  readonly code: ErrorCode
  /** As the certificate says; null where there is no valid one. */
  readonly sender: Address | null
  /** With `identity.changed`: the sender's key, where it is not the known one. */
  readonly changedKey: Bytes | null
  /** What to seal for the sender (type Plaintext) so that the message comes again; null where that would not help. */
  readonly retry: Bytes | null
  /** As its sender says. */
  readonly whenUnreadable: WhenUnreadable
}

export type OpenResult = Opened | RetryRequested | Refused

export interface ReceivedEnvelope {
  readonly body: Bytes
  /** The relay's time of reception, ms since the epoch: certificates are judged at it. */
  readonly receptionTime: number
  readonly envelopeId: Bytes
}

export interface OpeningContext {
  readonly writes: WriteSet
  readonly local: Address & { readonly judge: CertificateJudge }
  readonly identity: LocalIdentity
  /** Superseded ones, and those on their way in: peers know them shortly after and before this device. */
  readonly previousIdentities: readonly LocalIdentity[]
  readonly now: number
}

/** libsignal's largest leap within a chain (libsignal.md 4.9). */
const forwardJumps = 25_000

/** Refusals of the live session that a retired one may know better. */
const elsewhere: ReadonlySet<ErrorCode> = new Set([
  'session.missing',
  'envelope.undecryptable',
  'envelope.tooFarAhead',
  'envelope.unknownPreKey',
  'envelope.replayedKyberKey',
])

/** Never throws for what came in. A refusal changes nothing in the write-set (rule 12). */
export async function openEnvelope(context: OpeningContext, envelope: ReceivedEnvelope): Promise<OpenResult> {
  let unsealed: UnsealedForUs
  try {
    unsealed = await unsealForAny(context, envelope)
  } catch (error) {
    return refusal(protocolError(error, 'envelope.malformed').code, null)
  }
  const { sender, senderKey, type } = unsealed
  const known = knownIdentity(context.writes, context.identity, sender.accountId)
  const same = known !== null && sameBytes(known.identityKey, senderKey)
  if (known !== null && (known.changedKey !== null || !same)) {
    return refusal('identity.changed', sender, {
      changedKey: same ? null : senderKey,
      retry: retryFor('envelope.undecryptable', unsealed, envelope),
      whenUnreadable: unsealed.whenUnreadable,
    })
  }
  if (type === CiphertextMessageType.Plaintext) return openRetryRequest(context, unsealed, known !== null)
  const tried = await trySessions(context, unsealed)
  if (tried.kind === 'opened') return tried
  return refusal(tried.code, sender, {
    retry: retryFor(tried.code, unsealed, envelope),
    whenUnreadable: unsealed.whenUnreadable,
  })
}

function retryFor(
  code: ErrorCode,
  { type, ciphertext, sender, whenUnreadable }: Unsealed,
  { envelopeId }: ReceivedEnvelope,
): Bytes | null {
  if (whenUnreadable === 'nothing') return null
  return retryRequest(code, { type, ciphertext, senderDevice: sender.deviceId, envelopeId })
}

function refusal(
  code: ErrorCode,
  sender: Address | null,
  more: Partial<Pick<Refused, 'changedKey' | 'retry' | 'whenUnreadable'>> = {},
): Refused {
  return { kind: 'refused', code, sender, changedKey: null, retry: null, whenUnreadable: 'mark', ...more }
}

interface UnsealedForUs extends Unsealed {
  readonly own: LocalIdentity
}

/** By whichever identity of this account it was sealed for; its session began with the same one. */
async function unsealForAny(
  context: OpeningContext,
  { body, receptionTime }: ReceivedEnvelope,
): Promise<UnsealedForUs> {
  const { writes, identity, previousIdentities, local, now } = context
  const check = { judge: local.judge, receptionTime }
  let first: unknown
  for (const own of [identity, ...previousIdentities]) {
    try {
      return { ...(await unseal(new IdentityStore(writes, own, now), body, local, check)), own }
    } catch (error) {
      first ??= error
      if (!(error instanceof CodedError) || error.code !== 'envelope.malformed') break
    }
  }
  throw first
}

function openRetryRequest(context: OpeningContext, unsealed: Unsealed, known: boolean): OpenResult {
  const { sender, ciphertext } = unsealed
  // Anybody with a certificate may send one, so it must speak of a session that there was, and of this very device.
  if (!known) return refusal('content.notAllowed', sender)
  try {
    const request = readRetryRequest(ciphertext)
    if (request.deviceId !== context.local.deviceId) return refusal('content.notAllowed', sender)
    const session = context.writes.sessions.get(deviceKey(sender.accountId, sender.deviceId))
    const { reference } = request
    return { kind: 'retryRequest', sender, reference, ratchetKeyMatches: request.matches(session) }
  } catch (error) {
    return refusal(protocolError(error, 'content.malformed').code, sender)
  }
}

interface Failed {
  readonly kind: 'failed'
  readonly code: ErrorCode
}

/** The live session, then the retired ones, newest first. What the first of them says of a message counts. */
async function trySessions(context: OpeningContext, unsealed: UnsealedForUs): Promise<Opened | Failed> {
  const live = await attempt(context, unsealed, null)
  if (live.kind === 'opened' || !elsewhere.has(live.code)) return live
  const key = deviceKey(unsealed.sender.accountId, unsealed.sender.deviceId)
  let answer = live
  for (const index of (context.writes.retiredSessions.get(key) ?? []).keys()) {
    const retired = await attempt(context, unsealed, { key, index })
    if (retired.kind === 'opened') return retired
    // This session knows the chain of the message, the others do not.
    if (retired.code === 'envelope.duplicate') answer = retired
  }
  return answer
}

async function attempt(
  context: OpeningContext,
  unsealed: UnsealedForUs,
  retired: RetiredPlace | null,
): Promise<Opened | Failed> {
  const { writes, identity, now } = context
  const { sender, senderKey, own } = unsealed
  const fork = writes.fork()
  const stores = new Stores(fork, own, now, retired)
  const firstSeen = knownIdentity(writes, identity, sender.accountId) === null
  try {
    const content = unpad(await decrypt(stores, unsealed, context.local))
    const saved = knownIdentity(fork, identity, sender.accountId)
    // The certificate and the session must speak of the same identity, or somebody has mixed two.
    if (saved === null || !sameBytes(saved.identityKey, senderKey)) {
      return { kind: 'failed', code: 'certificate.sender' }
    }
    fork.sink()
    return {
      kind: 'opened',
      sender,
      content,
      keysUsed: fork.preKeys.changes.size + fork.kyberPreKeys.changes.size > 0,
      lastResortUsed: stores.kyberPreKey.lastResortUsed,
      firstSeen,
    }
  } catch (error) {
    const { code } = stores.failure ?? protocolError(error, 'envelope.undecryptable')
    return { kind: 'failed', code: reason(code, unsealed) }
  }
}

function reason(code: ErrorCode, unsealed: Unsealed): ErrorCode {
  if (code === 'envelope.undecryptable') return whyUndecryptable(unsealed)
  // The certificate's key is the known one, so it is the first message that speaks of another.
  return code === 'identity.changed' ? 'certificate.sender' : code
}

async function decrypt(stores: Stores, unsealed: Unsealed, local: Address): Promise<Bytes> {
  const from = protocolAddress(unsealed.sender)
  const to = protocolAddress(local)
  switch (unsealed.type) {
    case CiphertextMessageType.Whisper:
      return await signalDecrypt(whisper(unsealed), from, to, stores.session, stores.identity)
    case CiphertextMessageType.PreKey:
      return await signalDecryptPreKey(
        firstMessage(unsealed),
        from,
        to,
        stores.session,
        stores.identity,
        stores.preKey,
        stores.signedPreKey,
        stores.kyberPreKey,
      )
    default:
      throw new CodedError('envelope.malformed')
  }
}

function whisper({ ciphertext }: Unsealed): SignalMessage {
  try {
    return SignalMessage.deserialize(ciphertext)
  } catch (error) {
    throw protocolError(error, 'envelope.malformed')
  }
}

function firstMessage({ ciphertext }: Unsealed): PreKeySignalMessage {
  try {
    return PreKeySignalMessage.deserialize(ciphertext)
  } catch (error) {
    throw protocolError(error, 'envelope.malformed')
  }
}

/**
 * libsignal has one answer for a message too far ahead of its chain and for one under unknown keys, and does not show how
 * far a chain has come. A chain begins at zero, so below the limit it cannot be the distance; from there on it is taken
 * for it. Wrong only for a chain without an answer for as many messages whose keys are lost as well; a PreKeySignalMessage
 * does not show its counter. The cure is the same: a new session.
 */
function whyUndecryptable(unsealed: Unsealed): ErrorCode {
  if (unsealed.type !== CiphertextMessageType.Whisper) return 'envelope.undecryptable'
  return whisper(unsealed).counter() >= forwardJumps ? 'envelope.tooFarAhead' : 'envelope.undecryptable'
}
