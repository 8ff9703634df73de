import { randomBytes } from 'node:crypto'
import {
  CiphertextMessageType,
  IdentityKeyPair,
  PreKeySignalMessage,
  ProtocolAddress,
  PublicKey,
  sealedSenderDecryptToUsmc,
  SessionRecord,
  signalDecrypt,
  signalEncrypt,
  SignalMessage,
} from '@signalapp/libsignal-client'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { pad } from '../content/padding.ts'
import { deviceKey } from '../storage/records.ts'
import { touchConversation } from '../storage/repositories/conversations.ts'
import { insertMessage } from '../storage/repositories/messages.ts'
import { insertJob, storeCiphertexts, type JobCiphertext } from '../storage/repositories/outbox.ts'
import { MemoryIdentities, MemorySessions } from './memoryStores.ts'
import {
  bundleOf,
  sealedMessage,
  startSessions,
  testAuthority,
  testDevice,
  type TestAuthority,
  type TestDevice,
} from './testkit.ts'
import { newEnvelopeId } from './testRoom.ts'

/** Two devices with an answered session between them, and the same sessions in plain memory stores. */
export interface ProtocolBench {
  /** ms for `count` messages, each padded, encrypted and kept: in the outbox by one transaction, or in an array. */
  encryptInVault(count: number): Promise<number>
  encryptInMemory(count: number): Promise<number>
  /** ms for taking in `count` sealed envelopes: unsealed, judged, decrypted and kept, by one transaction or not. */
  decryptInVault(count: number): Promise<number>
  decryptInMemory(count: number): Promise<number>
  remove(): void
}

export async function protocolBench(contentBytes: number): Promise<ProtocolBench> {
  const authority = testAuthority()
  const [a, b] = [testDevice(authority), testDevice(authority)]
  await startSessions(a, b.local.accountId, bundleOf(b))
  await exchange(authority, a, b)
  await exchange(authority, b, a)
  const content = copyBytes(randomBytes(contentBytes))
  const memory = new MemorySide(authority, a, b)
  await memory.load()
  return {
    encryptInVault: (count) => encryptInVault(a, b, content, count),
    encryptInMemory: (count) => memory.encrypt(content, count),
    decryptInVault: async (count) => await decryptInVault(b, await sealed(authority, a, b, content, count)),
    decryptInMemory: async (count) => {
      // From the sessions as they stand now; the vault takes the same envelopes in, so that no keys are skipped later.
      await memory.load()
      const bodies = await sealed(authority, a, b, content, count)
      const time = await memory.decrypt(bodies)
      await decryptInVault(b, bodies)
      return time
    },
    remove: () => {
      a.remove()
      b.remove()
    },
  }
}

async function exchange(authority: TestAuthority, from: TestDevice, to: TestDevice): Promise<void> {
  const body = await sealedMessage(from, to, copyBytes(randomBytes(20)), certificateOf(authority, from))
  await to.protocol.exclusively(async (turn) => {
    const opened = await turn.open(body, Date.now(), newEnvelopeId())
    if (opened.kind !== 'opened') throw new Error(opened.kind)
    turn.writes.commit()
  })
}

const certificateOf = (authority: TestAuthority, of: TestDevice): Bytes =>
  authority.certificate(of, Date.now() + 3_600_000)

async function sealed(authority: TestAuthority, a: TestDevice, b: TestDevice, content: Bytes, count: number) {
  const certificate = certificateOf(authority, a)
  const bodies: Bytes[] = []
  for (let n = 0; n < count; n += 1) bodies.push(await sealedMessage(a, b, content, certificate))
  return bodies
}

async function encryptInVault(a: TestDevice, b: TestDevice, content: Bytes, count: number): Promise<number> {
  const to = { accountId: b.local.accountId, deviceId: 1 }
  const createdAt = Date.now()
  const common = {
    lane: to.accountId,
    destination: to.accountId,
    kind: 'receipt',
    messagePosition: null,
  } as const
  const jobs = a.records.vault.transaction((tx) =>
    Array.from({ length: count }, () => insertJob(tx, { ...common, content, createdAt })),
  )
  const start = performance.now()
  await a.protocol.exclusively(async (turn) => {
    for (const jobId of jobs) {
      const inner = await turn.encrypt(to, content)
      const made: JobCiphertext = { ...inner, deviceId: 1, envelopeId: copyBytes(randomBytes(16)) }
      turn.writes.write((tx) => storeCiphertexts(tx, jobId, [made]))
    }
    turn.writes.commit()
  })
  const time = performance.now() - start
  a.records.vault.transaction((tx) => void tx.run('DELETE FROM outbox'))
  return time
}

async function decryptInVault(b: TestDevice, bodies: readonly Bytes[]): Promise<number> {
  const start = performance.now()
  await b.protocol.exclusively(async (turn) => {
    for (const body of bodies) {
      const opened = await turn.open(body, Date.now(), newEnvelopeId())
      if (opened.kind !== 'opened') throw new Error(opened.kind)
      const { sender, content } = opened
      turn.writes.write((tx) => {
        touchConversation(tx, sender.accountId, 1)
        insertMessage(tx, {
          conversationId: sender.accountId,
          messageId: copyBytes(randomBytes(16)),
          authorId: sender.accountId,
          authorDevice: sender.deviceId,
          own: false,
          kind: 'text',
          text: '',
          raw: content,
          sentAt: 1,
          receivedAt: 1,
          delivery: 'received',
        })
      })
    }
    turn.writes.commit()
  })
  return performance.now() - start
}

/** libsignal alone, on Maps, with the same steps of cryptography. */
class MemorySide {
  readonly #a: TestDevice
  readonly #b: TestDevice
  readonly #root: PublicKey
  readonly #addresses: { readonly a: ProtocolAddress; readonly b: ProtocolAddress }
  readonly #identities: { readonly a: MemoryIdentities; readonly b: MemoryIdentities }
  #sessions = { a: new MemorySessions(), b: new MemorySessions() }

  constructor(authority: TestAuthority, a: TestDevice, b: TestDevice) {
    this.#a = a
    this.#b = b
    this.#root = PublicKey.deserialize(authority.trustRoot)
    this.#addresses = {
      a: ProtocolAddress.new(a.local.accountId, 1),
      b: ProtocolAddress.new(b.local.accountId, 1),
    }
    this.#identities = { a: memoryIdentities(a), b: memoryIdentities(b) }
  }

  /** Takes the sessions over from the vaults. */
  async load(): Promise<void> {
    this.#sessions = { a: new MemorySessions(), b: new MemorySessions() }
    await this.#sessions.a.saveSession(this.#addresses.b, sessionOf(this.#a, this.#b))
    await this.#sessions.b.saveSession(this.#addresses.a, sessionOf(this.#b, this.#a))
  }

  async encrypt(content: Bytes, count: number): Promise<number> {
    const { a, b } = this.#addresses
    const kept: Bytes[] = []
    const start = performance.now()
    for (let n = 0; n < count; n += 1) {
      const now = new Date()
      const message = await signalEncrypt(pad(content), b, a, this.#sessions.a, this.#identities.a, now)
      kept.push(message.serialize())
    }
    return performance.now() - start
  }

  async decrypt(bodies: readonly Bytes[]): Promise<number> {
    const kept: Bytes[] = []
    const start = performance.now()
    for (const body of bodies) {
      const content = await sealedSenderDecryptToUsmc(body, this.#identities.b)
      if (!content.senderCertificate().validate(this.#root, Date.now())) throw new Error('certificate')
      kept.push(await this.#open(content.msgType(), content.contents()))
    }
    return performance.now() - start
  }

  async #open(type: number, ciphertext: Bytes): Promise<Bytes> {
    if (type !== CiphertextMessageType.Whisper) {
      throw new Error(`type ${PreKeySignalMessage.deserialize(ciphertext).version()}`)
    }
    const { a, b } = this.#addresses
    return await signalDecrypt(
      SignalMessage.deserialize(ciphertext),
      a,
      b,
      this.#sessions.b,
      this.#identities.b,
    )
  }
}

function memoryIdentities(device: TestDevice): MemoryIdentities {
  const { identityKeyPair, registrationId } = device.local
  return new MemoryIdentities(IdentityKeyPair.deserialize(identityKeyPair), registrationId)
}

function sessionOf(of: TestDevice, withWhom: TestDevice): SessionRecord {
  const record = of.records.begin().sessions.get(deviceKey(withWhom.local.accountId, 1))
  if (record === null) throw new Error('no session')
  return SessionRecord.deserialize(record)
}
