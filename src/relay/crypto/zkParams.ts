import { ServerSecretParams } from '@signalapp/libsignal-client/zkgroup.js'
import type { Bytes } from '../../base/bytes.ts'

/** The relay's own parameters of private groups and blind permits. The secret half stays in the data folder. */
export function generateZkSecretParams(): Bytes {
  return ServerSecretParams.generate().serialize()
}

/** The public half; null when the bytes are no parameters. */
export function publicZkParams(secretParams: Bytes): Bytes | null {
  try {
    return new ServerSecretParams(secretParams).getPublicParams().serialize()
  } catch {
    return null
  }
}
