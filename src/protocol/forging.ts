import {
  IdentityKeyPair,
  PrivateKey,
  PublicKey,
  sealedSenderDecryptToUsmc,
  SenderCertificate,
  ServerCertificate,
} from '@signalapp/libsignal-client'
import type { Bytes } from '../base/bytes.ts'
import { protocolAddress, type Address } from './address.ts'
import { MemoryIdentities } from './memoryStores.ts'
import { seal, type InnerCiphertext } from './sealedSender.ts'

/** For tests: what somebody can do with libsignal who keeps to no rule. */

export function newPrivateKey(): Bytes {
  return PrivateKey.generate().serialize()
}

/** Of low order (RFC 7748 section 6.1): agreement with it gives the same zeros whatever the private key. */
export const lowOrderKey: Bytes = Uint8Array.of(5, ...new Uint8Array(32))

export function signBy(identityKeyPair: Bytes, message: Bytes): Bytes {
  return IdentityKeyPair.deserialize(identityKeyPair).privateKey.sign(message)
}

/** A sender certificate under a trust root, with any contents. */
export function certificateUnder(
  trustRootPrivateKey: Bytes,
  sender: Address,
  identityKey: Bytes,
  expiresAt: number,
): Bytes {
  const signer = PrivateKey.generate()
  const root = PrivateKey.deserialize(trustRootPrivateKey)
  const server = ServerCertificate.new(7, signer.getPublicKey(), root)
  const { accountId, deviceId } = sender
  const key = PublicKey.deserialize(identityKey)
  return SenderCertificate.new(accountId, null, deviceId, key, expiresAt, server, signer).serialize()
}

/** Seals under any identity key pair. */
export async function sealAs(
  identityKeyPair: Bytes,
  to: Address & { readonly identityKey: Bytes },
  inner: Pick<InnerCiphertext, 'type' | 'ciphertext'>,
  certificate: Bytes,
): Promise<Bytes> {
  const identities = new MemoryIdentities(IdentityKeyPair.deserialize(identityKeyPair), 1)
  await identities.saveIdentity(protocolAddress(to), PublicKey.deserialize(to.identityKey))
  return await seal(identities, to, inner, certificate)
}

/** What lies in a sealed envelope, whoever certifies it: for who holds the recipient's identity key. */
export async function lookInside(
  recipientIdentityKeyPair: Bytes,
  body: Bytes,
): Promise<Pick<InnerCiphertext, 'type' | 'ciphertext'> & { readonly certificate: Bytes }> {
  const own = IdentityKeyPair.deserialize(recipientIdentityKeyPair)
  const content = await sealedSenderDecryptToUsmc(body, new MemoryIdentities(own, 1))
  return {
    type: content.msgType(),
    ciphertext: content.contents(),
    certificate: content.senderCertificate().serialize(),
  }
}
