import { PrivateKey, PublicKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client'
import type { Bytes } from '../../base/bytes.ts'
import type { ServerSigner } from './trustRoot.ts'

export interface CertificateSubject {
  readonly accountId: string
  readonly deviceId: number
  readonly identityKey: Bytes
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The serialized certificate that says: this identity key belongs to this account and device, until then. */
export function issueSenderCertificate(signer: ServerSigner, subject: CertificateSubject): Bytes {
  return SenderCertificate.new(
    subject.accountId,
    null,
    subject.deviceId,
    PublicKey.deserialize(subject.identityKey),
    subject.expiresAt,
    ServerCertificate.deserialize(signer.certificate),
    PrivateKey.deserialize(signer.privateKey),
  ).serialize()
}
