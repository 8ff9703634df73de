import { randomInt } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { readDevicesRevision } from '../../storage/repositories/account.ts'
import { dropOldPendingChanges } from '../../storage/repositories/pendingChanges.ts'
import type { Vault } from '../../storage/vault.ts'
import type { Access } from '../sending/access.ts'
import type { Devices } from './devices.ts'
import type { IdentityReplacement } from './identityReplacement.ts'
import { supplyKeys, type SupplyParts } from './keySupply.ts'
import { waitBefore, type BackOff } from '../relay/backOff.ts'
import type { LiveConnection } from '../relay/connection.ts'
import type { Quarantine } from '../receiving/quarantine.ts'
import type { Retries } from '../receiving/retries.ts'

/** A connection may last for weeks: keys are rotated and stocks looked at so often all the same, in ms. */
const everyMs = 6 * 3_600_000
/** The rests before the list of devices is asked for again. */
const askAgainBackOff: BackOff = { first: 2_000, last: 5 * 60_000 }

interface UpkeepParts {
  readonly vault: Vault
  readonly supply: SupplyParts
  readonly live: () => LiveConnection | null
  readonly clock: Clock
  readonly devices: Devices
  readonly replacement: IdentityReplacement
  readonly access: Access
  readonly retries: Retries
  readonly quarantine: Pick<Quarantine, 'tend'>
  /** Jobs may leave that had to wait. */
  readonly wake: () => void
}

/** What keeps this device in good order at the relay: its account's devices and identity key, its keys, its permits. */
export class Upkeep {
  readonly #parts: UpkeepParts
  #settled: LiveConnection | null = null
  #supplying: Promise<void> | null = null
  #supplyAgain = false
  #timer: NodeJS.Timeout | null = null
  #again: NodeJS.Timeout | null = null
  /** Failures in a row. */
  #failed = 0

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  /**
   * Whether anything may be sent on this connection: only once the account's devices are known, and its identity key is
   * the one that this device has.
   */
  isSettled(live: LiveConnection | null): boolean {
    return live !== null && this.#settled === live
  }

  /** At each connection, after each change of the list, and when the account's keys were handed over. */
  async settle(live: LiveConnection | null, revision: number): Promise<void> {
    if (live === null) return
    try {
      await this.#parts.replacement.resume()
      if (!(await this.#parts.devices.refresh(revision))) {
        this.#settled = null
        // The key may be on its way, or the relay may have erred: without another look nothing would leave on this connection.
        this.#askAgain(live, revision)
        return
      }
      await this.#parts.replacement.resume()
      this.#failed = 0
    } catch (error) {
      this.#askAgain(live, revision)
      if (readDevicesRevision(this.#parts.vault.sql) === 0) throw error
    }
    this.#settled = live
    this.#parts.wake()
  }

  /** Once the queue has been taken in. */
  async caughtUp(): Promise<void> {
    this.#timer ??= setInterval(() => void this.caughtUp().catch(() => undefined), everyMs).unref()
    const live = this.#parts.live()
    if (live === null) return
    // A clock that is years ahead here must not make anything old.
    const moment = Math.min(this.#parts.clock.now(), live.relayTime())
    this.#parts.retries.prune(moment)
    this.#parts.vault.transaction((tx) => dropOldPendingChanges(tx, moment))
    await this.#parts.quarantine.tend(moment)
    await this.supply(live)
    await this.#parts.devices.nameThis()
  }

  /** One at a time; wishes meanwhile are met by one more after it. */
  async supply(live: LiveConnection | null): Promise<void> {
    if (live === null) return
    this.#supplyAgain = true
    this.#supplying ??= this.#supplyAll(live).finally(() => {
      this.#supplying = null
    })
    await this.#supplying
  }

  async #supplyAll(live: LiveConnection): Promise<void> {
    while (this.#supplyAgain) {
      this.#supplyAgain = false
      await supplyKeys(this.#parts.supply, live)
      await this.#parts.access.replenish(live)
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#again !== null) clearTimeout(this.#again)
  }

  #askAgain(live: LiveConnection, revision: number): void {
    if (this.#again !== null) clearTimeout(this.#again)
    this.#failed += 1
    const wait = waitBefore(this.#failed, askAgainBackOff, randomInt(1_000_000) / 1_000_000)
    this.#again = setTimeout(() => {
      if (!live.socket.isLost) void this.settle(live, revision).catch(() => undefined)
    }, wait).unref()
  }
}
