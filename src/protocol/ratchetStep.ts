import { BinaryReader } from '@bufbuild/protobuf/wire'
import { CiphertextMessageType, DecryptionErrorMessage, SignalMessage } from '@signalapp/libsignal-client'
import { copyBytes, toHex, type Bytes } from '../base/bytes.ts'
import type { InnerCiphertext } from './sealedSender.ts'

/** Field of a PreKeySignalMessage that holds the SignalMessage (libsignal, wire.proto). */
const innerMessageField = 4

/**
 * Which message key an inner ciphertext was made with, read off its bytes: ratchet key and counter. For tests that prove
 * that none serves twice.
 */
export function ratchetStep({ type, ciphertext }: Pick<InnerCiphertext, 'type' | 'ciphertext'>): string {
  const message = SignalMessage.deserialize(
    type === CiphertextMessageType.PreKey ? innerMessage(ciphertext) : ciphertext,
  )
  const whisper = CiphertextMessageType.Whisper
  const ratchetKey = DecryptionErrorMessage.forOriginal(message.serialize(), whisper, 0, 1).ratchetKey()
  if (ratchetKey === undefined) throw new Error('no ratchet key')
  return `${toHex(ratchetKey.serialize())}.${message.counter()}`
}

function innerMessage(preKeyMessage: Bytes): Bytes {
  // After a version byte.
  const reader = new BinaryReader(preKeyMessage.subarray(1))
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === innerMessageField) return copyBytes(reader.bytes())
    reader.skip(wireType)
  }
  throw new Error('no message in it')
}
