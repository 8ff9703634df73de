import { randomBytes } from 'node:crypto'
import { copyBytes, utf8, type Bytes } from '../base/bytes.ts'
import type { Address } from './address.ts'
import type { OpenResult } from './opening.ts'
import {
  bundleOf,
  sealedMessage,
  startSessions,
  testAuthority,
  testDevice,
  type TestAuthority,
  type TestDevice,
} from './testkit.ts'

type DeviceOptions = Parameters<typeof testDevice>[1]

export const hour = 3_600_000
export const day = 24 * hour

export const addressOf = ({ local: { accountId, deviceId } }: TestDevice): Address => ({
  accountId,
  deviceId,
})
export const newEnvelopeId = (): Bytes => copyBytes(randomBytes(16))
export const textOf = (result: OpenResult): string =>
  result.kind === 'opened'
    ? new TextDecoder().decode(result.content)
    : result.kind === 'refused'
      ? result.code
      : result.kind

/** Devices under one authority, which speak to each other without a relay; for tests of this room. */
export class TestRoom {
  readonly authority: TestAuthority = testAuthority()
  readonly #devices: TestDevice[] = []

  device(options: DeviceOptions = {}): TestDevice {
    const made = testDevice(this.authority, options)
    this.#devices.push(made)
    return made
  }

  /** The first has a session with the second. */
  async pair(options: DeviceOptions = {}): Promise<[TestDevice, TestDevice]> {
    const [a, b] = [this.device(options), this.device(options)]
    await startSessions(a, b.local.accountId, bundleOf(b))
    return [a, b]
  }

  certificate(of: TestDevice, expiresAt = Date.now() + hour): Bytes {
    return this.authority.certificate(of, expiresAt)
  }

  async send(from: TestDevice, to: TestDevice, text: string): Promise<Bytes> {
    return await sealedMessage(from, to, utf8(text), this.certificate(from))
  }

  async open(
    to: TestDevice,
    body: Bytes,
    { commit = true, envelopeId = newEnvelopeId() } = {},
  ): Promise<OpenResult> {
    return await to.protocol.exclusively(async (turn) => {
      const result = await turn.open(body, Date.now(), envelopeId)
      if (commit) turn.writes.commit()
      return result
    })
  }

  /** The text, or the code of the refusal. */
  async received(to: TestDevice, body: Bytes): Promise<string> {
    return textOf(await this.open(to, body))
  }

  /** A question and its answer; throws unless both are read. */
  async exchange(a: TestDevice, b: TestDevice): Promise<void> {
    const read = [
      await this.received(b, await this.send(a, b, 'question')),
      await this.received(a, await this.send(b, a, 'réponse')),
    ]
    if (read.join(' ') !== 'question réponse') throw new Error(read.join(' '))
  }

  remove(): void {
    for (const made of this.#devices.splice(0)) made.remove()
  }
}
