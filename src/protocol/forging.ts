import {
  IdentityKeyPair,
  PrivateKey,
  PublicKey,
  sealedSenderDecryptToUsmc,
  SenderCertificate,
  ServerCertificate,
} from '@signalapp/libsignal-client'
import type { Bytes } from '../base/bytes.ts'
import type { Address } from './address.ts'
import { MemoryIdentities } from './memoryStores.ts'
import type { InnerCiphertext } from './sealedSender.ts'

/** For tests: what somebody can do with libsignal who keeps to no rule. */

export function newPrivateKey(): Bytes {
  return PrivateKey.generate().serialize()
}

/** Of low order (RFC 7748 section 6.1): agreement with it gives the same zeros whatever the private key. */
export const lowOrderKey: Bytes = Uint8Array.of(5, ...new Uint8Array(32))

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
