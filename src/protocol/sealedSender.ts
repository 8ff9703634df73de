import { create, toBinary } from '@bufbuild/protobuf'
import {
  CiphertextMessageType,
  ContentHint,
  sealedSenderDecryptToUsmc,
  sealedSenderEncrypt,
  UnidentifiedSenderMessageContent,
  type IdentityKeyStore,
  SenderCertificate,
} from '@signalapp/libsignal-client'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { isAddress, protocolAddress, type Address } from './address.ts'
import type { CertificateJudge } from './certificateJudge.ts'
import { protocolError } from './errors.ts'
import { UnidentifiedSenderMessageSchema } from './sealedSender_pb.ts'

/** What the ratchet made for one device, without the sealed layer. */
export interface InnerCiphertext {
  /** libsignal's CiphertextMessageType: Whisper, PreKey, or Plaintext for a retry request. */
  readonly type: number
  readonly ciphertext: Bytes
  readonly registrationId: number
}

/** Number of the inner type in the sealed message, which counts otherwise than CiphertextMessageType. */
const sealedType = new Map<number, number>([
  [CiphertextMessageType.PreKey, 1],
  [CiphertextMessageType.Whisper, 2],
  [CiphertextMessageType.Plaintext, 8],
])

/**
 * What its sender says is to be done where it cannot be read (libsignal: ContentHint): leave a mark and ask for it again;
 * only ask; or nothing, for nobody looks for it.
 */
export type WhenUnreadable = 'mark' | 'ask' | 'nothing'

const hints: Readonly<Record<WhenUnreadable, ContentHint>> = {
  mark: ContentHint.Default,
  ask: ContentHint.Resendable,
  nothing: ContentHint.Implicit,
}

export interface SealedContent extends Pick<InnerCiphertext, 'type' | 'ciphertext'> {
  readonly whenUnreadable?: WhenUnreadable
}

/** Sealed sender v1 around an inner ciphertext. Throws `identity.unknown` without an identity key of the recipient. */
export async function seal(
  identities: IdentityKeyStore,
  to: Address,
  inner: SealedContent,
  senderCertificate: Bytes,
): Promise<Bytes> {
  const type = sealedType.get(inner.type)
  if (type === undefined) throw new CodedError('argument.invalid')
  const message = create(UnidentifiedSenderMessageSchema, {
    type,
    senderCertificate,
    content: inner.ciphertext,
    contentHint: hints[inner.whenUnreadable ?? 'mark'],
  })
  try {
    const content = UnidentifiedSenderMessageContent.deserialize(
      copyBytes(toBinary(UnidentifiedSenderMessageSchema, message)),
    )
    return await sealedSenderEncrypt(content, protocolAddress(to), identities)
  } catch (error) {
    throw protocolError(error, 'identity.unknown')
  }
}

/** The identity key that a sender certificate names. Throws `certificate.untrusted` for bytes that are none. */
export function certificateIdentity(certificate: Bytes): Bytes {
  try {
    return SenderCertificate.deserialize(certificate).key().serialize()
  } catch (error) {
    throw protocolError(error, 'certificate.untrusted')
  }
}

export interface Unsealed {
  readonly sender: Address
  readonly senderKey: Bytes
  readonly type: number
  readonly ciphertext: Bytes
  readonly whenUnreadable: WhenUnreadable
}

/** How certificates are judged: by whom, and at the relay's time of reception. */
export interface CertificateCheck {
  readonly judge: CertificateJudge
  /** ms since the epoch. */
  readonly receptionTime: number
}

/**
 * Takes the sealed layer off and checks who it says the sender is. Throws `envelope.malformed`,
 * `certificate.untrusted`, `certificate.expired` or `envelope.ownMessage`.
 */
export async function unseal(
  identities: IdentityKeyStore,
  body: Bytes,
  own: Address,
  check: CertificateCheck,
): Promise<Unsealed> {
  let content: UnidentifiedSenderMessageContent
  try {
    content = await sealedSenderDecryptToUsmc(body, identities)
  } catch (error) {
    throw protocolError(error, 'envelope.malformed')
  }
  const certificate = content.senderCertificate()
  // libsignal's unsealing does not look at the certificate (libsignal.md 4.16): this always follows it.
  check.judge.check(certificate, check.receptionTime)
  const sender = { accountId: certificate.senderUuid(), deviceId: certificate.senderDeviceId() }
  if (!isAddress(sender)) throw new CodedError('certificate.untrusted')
  if (sender.accountId === own.accountId && sender.deviceId === own.deviceId) {
    throw new CodedError('envelope.ownMessage')
  }
  return {
    sender,
    senderKey: certificate.key().serialize(),
    type: content.msgType(),
    ciphertext: content.contents(),
    whenUnreadable: meantBy(content.contentHint()),
  }
}

/** Of a hint that this version does not know: as of a message. */
function meantBy(hint: number): WhenUnreadable {
  if (hint === Number(ContentHint.Implicit)) return 'nothing'
  return hint === Number(ContentHint.Resendable) ? 'ask' : 'mark'
}
