import { randomBytes } from 'node:crypto'
import { toUuid } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { reportOf } from '../../base/errors.ts'
import { authenticationInput } from '../../wire/authentication.ts'
import { protocolVersion } from '../../wire/limits.ts'
import type { Acknowledge, Authenticate, ClientFrame, Put } from '../../wire/relay_pb.ts'
import { verifyByDeviceKey } from '../deviceKeys.ts'
import type { RelayLog } from '../log.ts'
import { bufferedBytesMax, Delivery } from '../queue/delivery.ts'
import type { GroupCommit } from '../queue/groupCommit.ts'
import { engineCode } from '../store/sqliteOpen.ts'
import type { DeviceRecord, RelayStore, StoredEnvelope } from '../store/store.ts'
import type { IssuedToken, Tokens } from '../tokens.ts'
import { Deadline } from './deadline.ts'
import {
  checkAcknowledge,
  checkPut,
  decodeFrame,
  deliverFrame,
  putRefusalFrame,
  putResultFrame,
  refusalFrame,
} from './frames.ts'
import { closeCodes, type Link } from './link.ts'
import type { PutBudgets } from './putBudgets.ts'

/** Milliseconds. */
export interface ConnectionTimes {
  readonly authenticationMs: number
  readonly keepAliveMs: number
}

export interface ConnectionDeps {
  readonly relayId: string
  readonly store: Pick<RelayStore, 'devices' | 'queues'>
  readonly commits: GroupCommit
  readonly tokens: Tokens
  readonly putBudgets: PutBudgets
  readonly clock: Clock
  readonly log: RelayLog
  readonly times: ConnectionTimes
  /** The device has proved itself: from now on the connection takes what is committed for it. */
  readonly welcomed: (connection: Connection, device: number) => void
}

type State =
  | { readonly kind: 'challenged' }
  | { readonly kind: 'checking' }
  | { readonly kind: 'welcome'; readonly device: DeviceRecord; readonly delivery: Delivery }

/** One device's connection: challenge, proof, then puts, acknowledgements and deliveries. */
export class Connection {
  readonly #deps: ConnectionDeps
  readonly #link: Link
  readonly #nonce = new Uint8Array(randomBytes(32))
  readonly #deadline: Deadline
  #state: State = { kind: 'challenged' }
  #heard = true
  #bufferedBefore = 0

  constructor(link: Link, deps: ConnectionDeps) {
    this.#link = link
    this.#deps = deps
    // `relay.unauthorised` would be final for the client, and the slow one may be this relay or the network between.
    this.#deadline = new Deadline(
      deps.times.authenticationMs,
      () => link.heldFor('disk'),
      () => this.#refuse('relay.unavailable'),
    )
    link.send({ case: 'challenge', value: { nonce: this.#nonce, relayId: deps.relayId, protocolVersion } })
  }

  /** The device as the store numbers it, or null before its proof. */
  get device(): number | null {
    return this.#state.kind === 'welcome' ? this.#state.device.device : null
  }

  get link(): Link {
    return this.#link
  }

  /** One WebSocket message. Only binary ones are frames. */
  receive(bytes: Uint8Array, binary: boolean): void {
    this.#heard = true
    if (this.#link.closing) return
    const frame = binary ? decodeFrame(bytes) : null
    if (frame === null) this.#refuse('frame.malformed')
    else this.#take(frame)
    // Who asks without taking the answers is not read from, so that answers cannot pile up here.
    if (this.#link.buffered > bufferedBytesMax) this.#link.hold('peer')
  }

  stored(envelopes: readonly StoredEnvelope[]): void {
    if (this.#state.kind === 'welcome') this.#state.delivery.stored(envelopes)
  }

  /** The socket has taken bytes. */
  sent(): void {
    if (this.#link.buffered <= bufferedBytesMax) this.#link.release('peer')
    if (this.#state.kind === 'welcome') this.#state.delivery.wake()
  }

  heard(): void {
    this.#heard = true
  }

  /** Called every `keepAliveMs`: a peer that gave no sign since the last time is gone. */
  keepAlive(): void {
    const taking = this.#link.buffered < this.#bufferedBefore
    this.#bufferedBefore = this.#link.buffered
    if (!this.#heard && !taking) this.#link.terminate()
    this.#heard = false
    this.#link.ping()
  }

  /** A newer connection of the same device takes over. */
  replaced(): void {
    this.ended()
    this.#link.refuse('profile.inUse', closeCodes.replaced)
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
      else this.#refuse('frame.malformed')
      return
    }
    if (state.kind !== 'welcome') {
      this.#refuse('relay.unauthorised')
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
    }
  }

  async #authenticate(proof: Authenticate): Promise<void> {
    this.#state = { kind: 'checking' }
    const accountId = toUuid(proof.accountId)
    if (proof.protocolVersion !== protocolVersion) return this.#refuse('relay.version')
    if (accountId === null) return this.#refuse('frame.malformed')
    let device: DeviceRecord | null
    try {
      device = await this.#deps.store.devices.find(accountId, proof.deviceId)
    } catch (thrown) {
      return this.#failed(thrown)
    }
    if (this.#link.closing) return
    if (device === null) return this.#refuse('relay.deviceGone')
    if (!this.#proves(device, proof)) return this.#refuse('relay.unauthorised')
    this.#welcome(device)
  }

  #proves(device: DeviceRecord, proof: Authenticate): boolean {
    const input = authenticationInput({
      relayId: this.#deps.relayId,
      nonce: this.#nonce,
      accountId: proof.accountId,
      deviceId: proof.deviceId,
    })
    return verifyByDeviceKey(device.deviceKey, input, proof.signature)
  }

  #welcome(device: DeviceRecord): void {
    this.#deadline.end()
    const delivery = new Delivery({
      device: device.device,
      queues: this.#deps.store.queues,
      deliver: (envelopes) => this.#link.send(deliverFrame(envelopes)),
      queueEmpty: () => this.#link.send({ case: 'queueEmpty', value: {} }),
      buffered: () => this.#link.buffered,
      failed: (thrown) => this.#failed(thrown),
    })
    this.#state = { kind: 'welcome', device, delivery }
    this.#deps.welcomed(this, device.device)
    const token = tokenMessage(this.#deps.tokens.issue(device))
    this.#link.send({ case: 'welcome', value: { token, relayTime: BigInt(this.#deps.clock.now()) } })
    void delivery.start()
  }

  #put(device: DeviceRecord, put: Put): void {
    // Before it is looked at: a malformed one costs the same.
    const waitMs = this.#deps.putBudgets.spend(device.device)
    if (waitMs > 0) {
      this.#link.send(putRefusalFrame(put.requestId, 'relay.tooManyRequests', waitMs))
      return
    }
    const checked = checkPut(put)
    if (typeof checked === 'string') {
      this.#link.send(putRefusalFrame(put.requestId, checked))
      return
    }
    // SECURITY 9: of the sender only its own device number goes along, in memory, so that it is not its own recipient.
    this.#deps.commits.put({ ...checked, except: device.device }, (answer) =>
      this.#link.send(putResultFrame(put.requestId, answer)),
    )
  }

  #acknowledge(device: DeviceRecord, delivery: Delivery, acknowledge: Acknowledge): void {
    const ids = checkAcknowledge(acknowledge)
    if (ids === null) {
      this.#refuse('frame.malformed')
      return
    }
    this.#deps.commits.acknowledge(device.device, ids)
    delivery.acknowledged(ids)
  }

  #failed(thrown: unknown): void {
    this.#deps.log.error('delivery failed', { error: reportOf(thrown).code, engine: engineCode(thrown) })
    this.#refuse('relay.unavailable')
  }

  #refuse(code: Parameters<Link['refuse']>[0]): void {
    if (this.#link.closing) return
    this.#deps.log.debug('connection refused', { error: code })
    this.ended()
    this.#link.refuse(code)
  }
}

function tokenMessage(token: IssuedToken): { value: string; expiresAt: bigint } {
  return { value: token.value, expiresAt: BigInt(token.expiresAt) }
}
