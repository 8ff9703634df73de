import { protocolVersion } from '../../wire/limits.ts'
import type { AnonymousPut } from '../../wire/relay_pb.ts'
import type { Clock } from '../../base/clock.ts'
import { reportOf, type ErrorCode } from '../../base/errors.ts'
import { authorisationOf, type ShownAuthorisation } from '../authorisation.ts'
import type { Permits } from '../crypto/permits.ts'
import type { RelayLog } from '../log.ts'
import { bufferedBytesMax } from '../queue/delivery.ts'
import type { GroupCommit } from '../queue/groupCommit.ts'
import { engineCode } from '../store/engineCode.ts'
import type { PutRequest, PutTarget } from '../store/store.ts'
import type { EphemeralChecks } from './ephemeralChecks.ts'
import {
  checkPut,
  decodeFrame,
  putRefusalFrame,
  putResultFrame,
  refusedPut,
  unavailableRetryMs,
  type OutgoingFrame,
} from './frames.ts'
import type { Link } from './link.ts'
import { LifeSigns, type Peer } from './peer.ts'
import type { PutBudgets } from './putBudgets.ts'

export interface AnonymousDeps {
  readonly relayId: string
  readonly checks: EphemeralChecks
  readonly commits: GroupCommit
  readonly permits: Permits
  readonly anonymousBudgets: PutBudgets<string>
  readonly clock: Clock
  readonly log: RelayLog
  /** Hands envelopes to the devices that are connected now. */
  readonly ephemeral: (targets: readonly PutTarget[]) => void
}

/**
 * A connection of nobody: puts that are paid with an access key or a permit, nothing else. SECURITY 9: it is never
 * brought together with a device; of the network address a budget is counted.
 */
export class AnonymousConnection implements Peer {
  readonly #deps: AnonymousDeps
  readonly #link: Link
  readonly #address: string
  readonly #life: LifeSigns

  constructor(link: Link, address: string, deps: AnonymousDeps) {
    this.#link = link
    this.#address = address
    this.#deps = deps
    this.#life = new LifeSigns(link)
    const relayTime = BigInt(deps.clock.now())
    link.send({ case: 'greeting', value: { relayId: deps.relayId, protocolVersion, relayTime } })
  }

  get link(): Link {
    return this.#link
  }

  receive(bytes: Uint8Array, binary: boolean): void {
    this.#life.heard()
    if (this.#link.closing) return
    const frame = binary ? decodeFrame(bytes) : null
    if (frame?.frame.case === 'anonymousPut') this.#put(frame.frame.value)
    else this.#refuse('frame.malformed')
    if (this.#link.buffered > bufferedBytesMax) this.#link.hold('peer')
  }

  sent(): void {
    if (this.#link.buffered <= bufferedBytesMax) this.#link.release('peer')
  }

  heard(): void {
    this.#life.heard()
  }

  keepAlive(): void {
    this.#life.check()
  }

  ended(): void {
    // Nothing is kept for it.
  }

  #put(anonymous: AnonymousPut): void {
    const { put } = anonymous
    if (put === undefined) {
      this.#refuse('frame.malformed')
      return
    }
    const { requestId } = put
    const waitMs = this.#deps.anonymousBudgets.spend(this.#address)
    if (waitMs > 0) {
      this.#answer(putRefusalFrame(requestId, 'relay.tooManyRequests', waitMs))
      return
    }
    const request = this.#requestOf(anonymous)
    if (typeof request === 'string') this.#answer(putRefusalFrame(requestId, request))
    else if (anonymous.ephemeral) void this.#passOn(requestId, request)
    else {
      this.#deps.commits.put(request, (answer) => this.#answer(putResultFrame(requestId, answer)))
    }
  }

  #refuse(code: ErrorCode): void {
    this.#deps.log.debug('connection refused', { error: code })
    this.#link.refuse(code)
  }

  #answer(frame: OutgoingFrame): void {
    const code = refusedPut(frame)
    if (code !== null) this.#deps.log.debug('put refused', { error: code })
    this.#link.send(frame)
  }

  #requestOf({ put, authorisation, ephemeral }: AnonymousPut): PutRequest | ErrorCode {
    const checked = put === undefined ? 'frame.malformed' : checkPut(put)
    if (typeof checked === 'string') return checked
    const shown = shownBy(authorisation)
    // What a permit pays for is stored: without that it would not be spent, and pay for ever.
    if (shown === null || (ephemeral && shown.kind === 'permit')) return 'access.denied'
    const by = authorisationOf(shown, this.#deps.permits, this.#deps.clock.now())
    return typeof by === 'string' ? by : { ...checked, by }
  }

  async #passOn(requestId: number, request: PutRequest): Promise<void> {
    const checking = this.#deps.checks.begin(request)
    if (checking === null) {
      this.#answer(putRefusalFrame(requestId, 'relay.tooManyRequests', unavailableRetryMs))
      return
    }
    try {
      const outcome = await checking
      if (outcome.kind === 'proper') this.#deps.ephemeral(outcome.targets)
      const answer = outcome.kind === 'proper' ? ({ kind: 'stored', added: [] } as const) : outcome
      this.#answer(putResultFrame(requestId, answer))
    } catch (thrown) {
      const { code } = reportOf(thrown)
      this.#deps.log.error('request failed', { error: code, engine: engineCode(thrown) })
      this.#answer(putRefusalFrame(requestId, 'relay.unavailable', unavailableRetryMs))
    }
  }
}

function shownBy(authorisation: AnonymousPut['authorisation']): ShownAuthorisation | null {
  if (authorisation.case === undefined) return null
  return { kind: authorisation.case, bytes: authorisation.value }
}
