import type { Bytes } from '../../base/bytes.ts'
import type { PutTarget } from '../store/store.ts'

/**
 * Other relay processes on the same store. All that is said between them are hints, which may be lost: what counts lies
 * in the store, and each process looks there from time to time. SECURITY 9: the store's numbers of devices, never a sender.
 */
export interface Peers {
  /** Settles once others can reach this process. Throws `relay.unavailable`. */
  start(events: PeerEvents): Promise<void>
  stop(): Promise<void>
  /** Something new waits for devices that are not connected here. */
  stored(devices: Iterable<number>): void
  /** What is not kept, for devices that are not connected here. */
  ephemeral(targets: readonly PutTarget[]): void
  /**
   * A device is about to be connected here; settles once no other process has it. `frozen`: another living run of it was
   * found, and it is frozen now. Throws `relay.unavailable`.
   */
  arrive(device: number, holder: Bytes): Promise<Arrival>
  /** Its connection here has ended. */
  left(device: number): void
}

export type Arrival = 'free' | 'frozen'

/** What a process does on behalf of the others. */
export interface PeerEvents {
  /** Something new may wait for these. */
  wake(devices: readonly number[]): void
  passOn(targets: readonly PutTarget[]): void
  /** The device has connected to another process, by this run of the program. */
  elsewhere(device: number, holder: Bytes): Promise<Arrival>
  frozen(device: number): void
  /** The devices that are connected here. */
  held(): readonly HeldDevice[]
}

export interface HeldDevice {
  readonly device: number
  readonly holder: Bytes
  /** The newest queue id that was handed to its connection. */
  readonly last: number
}

/** The embedded engine has one process. */
export const noPeers: Peers = {
  start: async () => undefined,
  stop: async () => undefined,
  stored: () => undefined,
  ephemeral: () => undefined,
  arrive: async () => 'free',
  left: () => undefined,
}
