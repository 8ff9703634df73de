import type { LoadEnd, LoadSender } from '../../src/relay/benchkit.ts'

/** A server that is measured, with its clients. */
export interface Peer {
  readonly name: string
  /** Whether what it acknowledges is on the disk: nobody compares a rate without this. */
  readonly durability: string
  readonly fsyncs: boolean
  /** `env` goes to the server's process. */
  start(folder: string, env: Record<string, string>): Promise<PeerServer>
}

export interface PeerServer {
  /** Of the process whose tree is weighed. */
  readonly pid: number
  /** Pairs are numbered from 0; a pair's queue is there once its receiver was ready for the first time. */
  receiver(pair: number, onPayload: (payload: Uint8Array) => void): Promise<LoadEnd>
  sender(pair: number): Promise<LoadSender>
  stop(): Promise<void>
}

export const payloadBytes = 1_024
