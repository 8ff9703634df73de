import { randomBytes } from 'node:crypto'
import { fromUuid, sameBytes, toUuid, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { reportOf, type ErrorCode } from '../../base/errors.ts'
import { authenticationInput } from '../../wire/authentication.ts'
import { verdictNumber } from '../../wire/generation.ts'
import { protocolVersion } from '../../wire/limits.ts'
import type { Acknowledge, Authenticate, ClientFrame, Put } from '../../wire/relay_pb.ts'
import { isEnded } from '../accounts/standing.ts'
import { verifyByDeviceKey } from '../deviceKeys.ts'
import type { RelayLog } from '../log.ts'
import { bufferedBytesMax, Delivery } from '../queue/delivery.ts'
import type { GenerationCommit } from '../queue/generationCommit.ts'
import type { GroupCommit } from '../queue/groupCommit.ts'
import type { DeviceRecord, VaultState } from '../store/deviceStore.ts'
import { engineCode } from '../store/engineCode.ts'
import type { RelayStore, StoredEnvelope } from '../store/store.ts'
import type { IssuedToken, Tokens } from '../tokens.ts'
import { Deadline } from './deadline.ts'
import {
  checkAcknowledge,
  checkPut,
  checkVault,
  isChannel,
  decodeFrame,
  deliverFrame,
  putRefusalFrame,
  putResultFrame,
  refusalFrame,
  refusedPut,
  type OutgoingFrame,
} from './frames.ts'
import { newToken, VaultGeneration } from './generation.ts'
import { closeCodes, type Link } from './link.ts'
import { LifeSigns, type Peer } from './peer.ts'
import type { PutBudgets } from './putBudgets.ts'

/** Milliseconds. */
export interface ConnectionTimes {
  readonly authenticationMs: number
  readonly keepAliveMs: number
  readonly holderProbeMs: number
}

export interface ConnectionDeps {
  readonly relayId: string
  readonly store: Pick<RelayStore, 'devices' | 'queues'>
  readonly commits: GroupCommit
  readonly generations: GenerationCommit
  readonly tokens: Tokens
  readonly putBudgets: PutBudgets
  readonly generationBudgets: PutBudgets
  readonly clock: Clock
  readonly log: RelayLog
  readonly times: ConnectionTimes
  /** The connection is no stranger's any more. */
  readonly proved: (connection: Connection) => void
  /** Settles once the connection has its device's place, or was closed instead. */
  readonly arrive: (connection: Connection, device: number, holder: Bytes) => Promise<void>
}

interface Proved {
  readonly device: DeviceRecord
  readonly vault: VaultState
}

type State =
  | { readonly kind: 'challenged' }
  | { readonly kind: 'checking' }
  | ({ readonly kind: 'arriving' } & Proved)
  | ({ readonly kind: 'welcome'; readonly delivery: Delivery; readonly generation: VaultGeneration } & Proved)

/** One device's connection: challenge, proof, then puts, acknowledgements and deliveries. */
export class Connection implements Peer {
  readonly #deps: ConnectionDeps
  readonly #link: Link
  readonly #channel: Bytes
  readonly #nonce = new Uint8Array(randomBytes(32))
  readonly #deadline: Deadline
  readonly #life: LifeSigns
  #state: State = { kind: 'challenged' }
  #revision = 0

  /** `channel`: `channelBinding` of the connection under it. */
  constructor(link: Link, channel: Bytes, deps: ConnectionDeps) {
    this.#link = link
    this.#channel = channel
    this.#deps = deps
    this.#life = new LifeSigns(link)
    // `relay.unauthorised` would be final for the client, and the slow one may be this relay or the network between.
    this.#deadline = new Deadline(
      deps.times.authenticationMs,
      () => link.heldFor('disk'),
      () => this.refuse('relay.unavailable'),
    )
    link.send({ case: 'challenge', value: { nonce: this.#nonce, relayId: deps.relayId, protocolVersion } })
  }

  /** The device as the store numbers it, or null before its proof. */
  get device(): number | null {
    return this.#proved?.device.device ?? null
  }

  get accountId(): string | null {
    return this.#proved?.device.accountId ?? null
  }

  /** The run of the program at the other end, or null before its proof. */
  get holder(): Bytes | null {
    return this.#proved?.vault.holder ?? null
  }

  get welcome(): boolean {
    return this.#state.kind === 'welcome'
  }

  get link(): Link {
    return this.#link
  }

  get #proved(): Proved | null {
    return this.#state.kind === 'welcome' || this.#state.kind === 'arriving' ? this.#state : null
  }

  receive(bytes: Uint8Array, binary: boolean): void {
    this.#life.heard()
    if (this.#link.closing) return
    const frame = binary ? decodeFrame(bytes) : null
    if (frame === null) this.refuse('frame.malformed')
    else this.#take(frame)
    // Who asks without taking the answers is not read from, so that answers cannot pile up here.
    if (this.#link.buffered > bufferedBytesMax) this.#link.hold('peer')
  }

  stored(envelopes: readonly StoredEnvelope[]): void {
    if (this.#state.kind === 'welcome') this.#state.delivery.stored(envelopes)
  }

  /** Something new may wait for the device. */
  look(): void {
    if (this.#state.kind === 'welcome') this.#state.delivery.look()
  }

  /** The newest queue id that was handed over; null before the welcome. */
  get last(): number | null {
    return this.#state.kind === 'welcome' ? this.#state.delivery.last : null
  }

  sent(): void {
    if (this.#link.buffered <= bufferedBytesMax) this.#link.release('peer')
    if (this.#state.kind === 'welcome') this.#state.delivery.wake()
  }

  heard(): void {
    this.#life.heard()
  }

  keepAlive(): void {
    this.#life.check()
  }

  /** The devices of the account are others now; who is not welcome yet learns it with the welcome. */
  changed(revision: number): void {
    // Every process of a relay hears of each change, also of its own.
    if (revision <= this.#revision) return
    this.#revision = revision
    if (this.#state.kind !== 'welcome') return
    this.#link.send({ case: 'devicesChanged', value: { devicesRevision: BigInt(revision) } })
  }

  /** A newer connection of the same device takes over. */
  replaced(): void {
    this.ended()
    this.#link.refuse('profile.inUse', closeCodes.replaced)
  }

  /** Says why and closes. */
  refuse(code: ErrorCode): void {
    if (this.#link.closing) return
    this.#deps.log.debug('connection refused', { error: code })
    this.ended()
    this.#link.refuse(code)
  }

  /** The socket is closed, or about to be: nothing is delivered any more. */
  ended(): void {
    this.#deadline.end()
    if (this.#state.kind === 'welcome') this.#state.delivery.end()
  }

  #take(frame: ClientFrame): void {
    const state = this.#state
    if (frame.frame.case === undefined) {
      // A newer client: it learns what this relay cannot do, and its connection goes on.
      this.#link.send(refusalFrame('frame.unknownType'))
      return
    }
    if (frame.frame.case === 'authenticate') {
      if (state.kind === 'challenged') void this.#authenticate(frame.frame.value)
      else this.refuse('frame.malformed')
      return
    }
    if (state.kind !== 'welcome') {
      this.refuse('relay.unauthorised')
      return
    }
    switch (frame.frame.case) {
      case 'put':
        this.#put(state.device, frame.frame.value)
        return
      case 'acknowledge':
        this.#acknowledge(state.device, state.delivery, frame.frame.value)
        return
      case 'requestToken':
        this.#link.send({ case: 'token', value: tokenMessage(this.#deps.tokens.issue(state.device)) })
        return
      case 'requestGeneration':
        void state.generation.request()
        return
      case 'confirmGeneration':
        void state.generation.confirm(frame.frame.value)
        return
      case 'anonymousPut':
        this.refuse('frame.malformed')
    }
  }

  async #authenticate(proof: Authenticate): Promise<void> {
    this.#state = { kind: 'checking' }
    const accountId = toUuid(proof.accountId)
    const vault = checkVault(proof)
    if (proof.protocolVersion !== protocolVersion) return this.refuse('relay.version')
    if (accountId === null || vault === null || !isChannel(proof.channelBinding))
      return this.refuse('frame.malformed')
    try {
      const device = await this.#deps.store.devices.find(accountId, proof.deviceId)
      if (this.#link.closing) return
      if (device === null) return this.refuse('relay.deviceGone')
      if (!this.#proves(device, proof)) return this.refuse('relay.unauthorised')
      // The device said so itself: it is at the other end of another channel than this one.
      if (!sameBytes(proof.channelBinding, this.#channel)) return this.refuse('relay.channel')
      if (device.frozen) return this.refuse('device.frozen')
      if (this.#isEnded(device)) return this.refuse('account.disabled')
      await this.#arrive(device, vault)
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  #isEnded({ standing }: DeviceRecord): boolean {
    return isEnded(standing, this.#deps.clock.now())
  }

  #proves(device: DeviceRecord, proof: Authenticate): boolean {
    const input = authenticationInput({
      relayId: this.#deps.relayId,
      nonce: this.#nonce,
      accountId: proof.accountId,
      deviceId: proof.deviceId,
      channel: proof.channelBinding,
    })
    return verifyByDeviceKey(device.deviceKey, input, proof.signature)
  }

  async #arrive(device: DeviceRecord, vault: VaultState): Promise<void> {
    this.#deadline.end()
    this.#state = { kind: 'arriving', device, vault }
    this.#deps.proved(this)
    await this.#deps.arrive(this, device.device, vault.holder)
    // Once more: what was told to connections before this one had its place did not reach it.
    const current = await this.#deps.store.devices.find(device.accountId, device.deviceId)
    if (this.#link.closing) return
    if (current !== null && this.#isEnded(current)) return this.refuse('account.disabled')
    const next = newToken()
    const now = this.#deps.clock.now()
    const outcome = await this.#deps.generations.act({
      kind: 'connect',
      device: device.device,
      next,
      now,
      ...vault,
    })
    if (this.#link.closing) return
    if (outcome.kind === 'frozen') return this.refuse('device.frozen')
    if (outcome.kind !== 'judged') return this.refuse('relay.deviceGone')
    const { verdict, acknowledged } = outcome
    const accepted = verdict === 'foreign' ? { takenUpTo: vault.takenUpTo, acknowledged } : null
    const generation = this.#generation(device, vault, accepted)
    this.#revision = Math.max(this.#revision, outcome.revision)
    this.#welcome({ device, vault }, generation, {
      verdict: verdictNumber(verdict),
      nextGeneration: next,
    })
  }

  #generation(
    device: DeviceRecord,
    vault: VaultState,
    accepted: ConstructorParameters<typeof VaultGeneration>[0]['accepted'],
  ): VaultGeneration {
    return new VaultGeneration({
      device: device.device,
      holder: vault.holder,
      accepted,
      generations: this.#deps.generations,
      budgets: this.#deps.generationBudgets,
      send: (frame) => this.#link.send(frame),
      refuse: (code) => this.refuse(code),
      failed: (thrown) => this.#failed(thrown),
    })
  }

  #welcome(
    proved: Proved,
    generation: VaultGeneration,
    judged: { readonly verdict: number; readonly nextGeneration: Bytes },
  ): void {
    const { device } = proved
    const delivery = new Delivery({
      device: device.device,
      queues: this.#deps.store.queues,
      deliver: (envelopes) => {
        this.#deps.log.debug('envelopes delivered', { delivered: envelopes.length })
        this.#link.send(deliverFrame(envelopes))
      },
      queueEmpty: () => this.#link.send({ case: 'queueEmpty', value: {} }),
      buffered: () => this.#link.buffered,
      failed: (thrown) => this.#failed(thrown),
    })
    this.#state = { kind: 'welcome', ...proved, delivery, generation }
    const token = tokenMessage(this.#deps.tokens.issue(device))
    const relayTime = BigInt(this.#deps.clock.now())
    const devicesRevision = BigInt(this.#revision)
    this.#link.send({ case: 'welcome', value: { token, relayTime, devicesRevision, ...judged } })
    void delivery.start()
  }

  #put(device: DeviceRecord, put: Put): void {
    // Before it is looked at: a malformed one costs the same.
    const waitMs = this.#deps.putBudgets.spend(device.device)
    if (waitMs > 0) {
      this.#answerPut(putRefusalFrame(put.requestId, 'relay.tooManyRequests', waitMs))
      return
    }
    const checked = checkPut(put)
    if (typeof checked === 'string') {
      this.#answerPut(putRefusalFrame(put.requestId, checked))
      return
    }
    // SECURITY 9: who writes to others does it anonymously; here a device reaches its own account's devices alone.
    if (!sameBytes(checked.destination, fromUuid(device.accountId) ?? new Uint8Array(0))) {
      this.#answerPut(putRefusalFrame(put.requestId, 'put.notAnonymous'))
      return
    }
    const by = { kind: 'own', except: device.device } as const
    this.#deps.commits.put({ ...checked, by }, (answer) =>
      this.#answerPut(putResultFrame(put.requestId, answer)),
    )
  }

  #answerPut(frame: OutgoingFrame): void {
    const code = refusedPut(frame)
    if (code !== null) this.#deps.log.debug('put refused', { error: code })
    this.#link.send(frame)
  }

  #acknowledge(device: DeviceRecord, delivery: Delivery, acknowledge: Acknowledge): void {
    const ids = checkAcknowledge(acknowledge)
    if (ids === null) {
      this.refuse('frame.malformed')
      return
    }
    this.#deps.commits.acknowledge(device.device, ids)
    delivery.acknowledged(ids)
  }

  #failed(thrown: unknown): void {
    this.#deps.log.error('delivery failed', { error: reportOf(thrown).code, engine: engineCode(thrown) })
    this.refuse('relay.unavailable')
  }
}

function tokenMessage(token: IssuedToken): { value: string; expiresAt: bigint } {
  return { value: token.value, expiresAt: BigInt(token.expiresAt) }
}
