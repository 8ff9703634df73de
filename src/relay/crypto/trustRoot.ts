import { PrivateKey, PublicKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client'
import type { Bytes } from '../../base/bytes.ts'

export interface TrustRoot {
  readonly publicKey: Bytes
  /** Leaves the relay's machine: it signs a new server certificate key once in a while and nothing else. */
  readonly privateKey: Bytes
}

/** What the relay signs sender certificates with; renewable while the trust root stays. */
export interface ServerSigner {
  readonly keyId: number
  readonly certificate: Bytes
  readonly privateKey: Bytes
}

export function generateTrustRoot(): TrustRoot {
  const key = PrivateKey.generate()
  return { publicKey: key.getPublicKey().serialize(), privateKey: key.serialize() }
}

/** The public half of a trust root's private key; null when the bytes are no such key. */
export function publicTrustRoot(privateKey: Bytes): Bytes | null {
  try {
    return PrivateKey.deserialize(privateKey).getPublicKey().serialize()
  } catch {
    return null
  }
}

export function issueServerSigner(trustRootPrivateKey: Bytes, keyId: number): ServerSigner {
  const key = PrivateKey.generate()
  const root = PrivateKey.deserialize(trustRootPrivateKey)
  const certificate = ServerCertificate.new(keyId, key.getPublicKey(), root)
  return { keyId, certificate: certificate.serialize(), privateKey: key.serialize() }
}

/** True when clients that pin this trust root will take what the signer signs. */
export function signerFits(signer: ServerSigner, trustRoot: Bytes): boolean {
  try {
    const certificate = ServerCertificate.deserialize(signer.certificate)
    const key = PrivateKey.deserialize(signer.privateKey)
    const probe = SenderCertificate.new(
      '00000000-0000-4000-8000-000000000000',
      null,
      1,
      key.getPublicKey(),
      2,
      certificate,
      key,
    )
    return certificate.keyId() === signer.keyId && probe.validate(PublicKey.deserialize(trustRoot), 1)
  } catch {
    return false
  }
}
