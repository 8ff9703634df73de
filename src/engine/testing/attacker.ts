import { randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { systemClock } from '../../base/clock.ts'
import { copyBytes, fromUuid, type Bytes } from '../../base/bytes.ts'
import { SerialQueue } from '../../base/serialQueue.ts'
import { encodeContent, type Body, type Content } from '../../content/content.ts'
import type { Address } from '../../protocol/address.ts'
import { readBundle } from '../../protocol/bundle.ts'
import { certificateUnder } from '../../protocol/forging.ts'
import { identityPublicKey } from '../../protocol/keys.ts'
import { accessKeyOf } from '../../protocol/profileKey.ts'
import { Protocol } from '../../protocol/protocol.ts'
import { retryRequest } from '../../protocol/retry.ts'
import type { InnerCiphertext } from '../../protocol/sealedSender.ts'
import { openVault } from '../../storage/open.ts'
import { readAccount, type Account } from '../../storage/repositories/account.ts'
import { openSlots } from '../../storage/slots/index.ts'
import type { Vault } from '../../storage/vault.ts'
import { VaultRecords } from '../../storage/writeSet.ts'
import { profileFiles } from '../profile/profileFiles.ts'
import { openAnonymousSocket, type AnonymousSocket } from '../relay/anonymousSocket.ts'
import { RelayHttp } from '../relay/httpClient.ts'
import { stored } from '../account/self.ts'
import type { Workstation } from './workstation.ts'

const day = 24 * 3_600_000

type Inner = Pick<InnerCiphertext, 'type' | 'ciphertext'>

/** Whom an attacker writes to, with what the attacker has learnt of them. */
export interface Target extends Address {
  readonly registrationId: number
  readonly accessKey: Bytes
  readonly identityKey: Bytes
}

export async function accountOf(station: Workstation): Promise<Account> {
  const account = await station.peek(readAccount)
  if (account === null) throw new Error('no account')
  return account
}

export function targetOf({ record, profileKey, identityKeyPair }: Account): Target {
  const { accountId, deviceId, registrationId } = record
  return {
    accountId,
    deviceId,
    registrationId,
    accessKey: accessKeyOf(profileKey),
    identityKey: identityPublicKey(identityKeyPair),
  }
}

export const newId = (): Bytes => copyBytes(randomBytes(16))

/** For tests: the vault of an enrolled device in the hands of somebody who writes what they like by real libsignal. */
export class Attacker {
  readonly account: Account
  readonly protocol: Protocol
  readonly #vault: Vault
  readonly #trustRootPrivateKey: Bytes
  readonly #agent = new Agent()

  private constructor(account: Account, vault: Vault, trustRootPrivateKey: Bytes) {
    const { accountId, deviceId, registrationId, trustRoot } = account.record
    const { identityKeyPair } = account
    const local = { accountId, deviceId, registrationId, identityKeyPair, trustRoot: stored(trustRoot) }
    this.account = account
    this.#vault = vault
    this.#trustRootPrivateKey = trustRootPrivateKey
    this.protocol = new Protocol(new VaultRecords(vault), local, new SerialQueue(), systemClock)
  }

  /** Takes over an enrolled workstation, whose engine ends. */
  static async of(station: Workstation, trustRootPrivateKey: Bytes): Promise<Attacker> {
    const account = await accountOf(station)
    await station.engine.stop()
    const files = profileFiles(station.folder)
    const key = await openSlots(files.slots, { kind: 'osKeyStore', keyStore: station.keyStore }, systemClock)
    return new Attacker(account, openVault(files.vault, key), trustRootPrivateKey)
  }

  end(): void {
    this.#vault.close()
    this.#agent.destroy()
  }

  get accountId(): string {
    return this.account.record.accountId
  }

  get address(): Address {
    return { accountId: this.accountId, deviceId: this.account.record.deviceId }
  }

  get identityKey(): Bytes {
    return identityPublicKey(this.account.identityKeyPair)
  }

  /** As the relay would give it. */
  certificate(expiresAt = Date.now() + day): Bytes {
    return certificateUnder(this.#trustRootPrivateKey, this.address, this.identityKey, expiresAt)
  }

  /** Starts a session with each device of the account; costs them one-time keys, as anybody's first message does. */
  async meet({ accountId, accessKey }: Target, devices: readonly number[] = [1]): Promise<void> {
    const http = new RelayHttp(this.account.record.relayAddress, this.#agent)
    const authorisation = { kind: 'accessKey', accessKey } as const
    const bundle = readBundle(await http.requestRaw('bundle', { query: { accountId }, authorisation }))
    await this.protocol.exclusively(async (turn) => {
      for (const device of bundle.devices) {
        if (devices.includes(device.deviceId)) await turn.startSession(accountId, bundle.identityKey, device)
      }
      turn.writes.commit()
    })
  }

  async encrypt(to: Address, content: Bytes): Promise<InnerCiphertext> {
    return await this.protocol.exclusively(async (turn) => {
      const inner = await turn.encrypt(to, content)
      turn.writes.commit()
      return inner
    })
  }

  async seal(to: Address, inner: Inner, certificate = this.certificate()): Promise<Bytes> {
    return await this.protocol.exclusively((turn) => turn.seal(to, inner, certificate))
  }

  /** A sealed envelope with this body in it. */
  async envelope(to: Address, body: Body, more: Partial<Content> = {}): Promise<Bytes> {
    return await this.seal(to, await this.encrypt(to, contentOf(body, more)))
  }

  /** A request to send again what had this envelope id, about an inner ciphertext that was read off the wire. */
  async retryRequest(to: Target, failed: Inner, envelopeId: Bytes, senderDevice = 1): Promise<Bytes> {
    const request = retryRequest('envelope.undecryptable', { ...failed, senderDevice, envelopeId })
    if (request === null) throw new Error('nothing to ask for')
    return await this.seal(to, { type: plaintextType, ciphertext: request })
  }

  /** Connects without a name; who knows a target's access key may write. */
  async connect(): Promise<AnonymousSocket> {
    const { relayAddress, relayId } = this.account.record
    return await openAnonymousSocket(
      { origin: relayAddress, agent: this.#agent, ended: new AbortController().signal },
      relayId,
    )
  }
}

/** libsignal's CiphertextMessageType of what is sealed without being encrypted. */
const plaintextType = 8

export function contentOf(body: Body, more: Partial<Content> = {}): Bytes {
  const content = { messageId: newId(), sentAt: Date.now(), profileKey: null, resentEnvelopeId: null }
  return encodeContent({ ...content, ...more, body })
}

export function textBody(text: string): Body {
  return {
    kind: 'text',
    text,
    formats: [],
    mentions: [],
    quote: null,
    timerSeconds: 0,
    acknowledgementRequest: null,
  }
}

/** Leaves envelopes in the queue of a device, as many at once as the relay takes. */
export async function leave(socket: AnonymousSocket, to: Target, bodies: readonly Bytes[]): Promise<void> {
  const { deviceId, registrationId, accessKey } = to
  const destination = fromUuid(to.accountId) ?? new Uint8Array()
  const outcomes = await Promise.all(
    bodies.map((body) =>
      socket.put({
        destination,
        envelopes: [{ deviceId, registrationId, envelopeId: newId(), body }],
        someDevices: false,
        authorisation: { kind: 'accessKey', accessKey },
        ephemeral: false,
      }),
    ),
  )
  const refused = outcomes.find(({ kind }) => kind !== 'stored')
  if (refused !== undefined) throw new Error(JSON.stringify(refused))
}
