import { fromHex, toHex, toUuid, copyBytes, type Bytes } from '../../base/bytes.ts'
import { lookInside } from '../../protocol/forging.ts'
import { ratchetStep } from '../../protocol/ratchetStep.ts'
import type { ClientFrame, Put } from '../../wire/relay_pb.ts'

/** libsignal's CiphertextMessageType of what takes no ratchet step: a request to send again. */
const plaintextType = 8

/** For tests: every envelope that a workstation has let out, whether the relay took it or not. */
export class WireTap {
  /** Account and device that it was for, and its body in hexadecimal. */
  readonly #left: { readonly accountId: string; readonly deviceId: number; readonly body: string }[] = []

  see(frame: ClientFrame['frame']): void {
    const put = putIn(frame)
    const accountId = put && toUuid(copyBytes(put.destination))
    if (put === null || accountId === null) return
    for (const { deviceId, body } of put.envelopes)
      this.#left.push({ accountId, deviceId, body: toHex(body) })
  }

  /** How many envelopes have left for an account. */
  countTo(accountId: string): number {
    return this.#left.filter((one) => one.accountId === accountId).length
  }

  /**
   * The message keys that have left, each with the ciphertexts made with it: more than one means that it was used again.
   * `identityOf`: the identity key pair of an account, whose envelopes are opened to see the counters.
   */
  async messageKeys(identityOf: (accountId: string) => Bytes | undefined): Promise<Map<string, Set<string>>> {
    const keys = new Map<string, Set<string>>()
    for (const { accountId, deviceId, body } of this.#left) {
      const identity = identityOf(accountId)
      if (identity === undefined) throw new Error(`who is ${accountId}`)
      const inner = await lookInside(identity, fromHex(body) ?? new Uint8Array())
      if (inner.type === plaintextType) continue
      const key = `${accountId}.${deviceId}.${ratchetStep(inner)}`
      const made = keys.get(key) ?? new Set()
      keys.set(key, made.add(toHex(inner.ciphertext)))
    }
    return keys
  }
}

export function putIn(frame: ClientFrame['frame']): Put | null {
  if (frame.case === 'put') return frame.value
  return frame.case === 'anonymousPut' ? (frame.value.put ?? null) : null
}
