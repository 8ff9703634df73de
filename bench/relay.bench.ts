import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atLeast, atMost, printed, type Figure } from './figure.ts'
import { drained, paced, saturated, type DrainResult, type LoadResult } from './relay/load.ts'
import { mosquitto } from './relay/mosquitto.ts'
import { nats } from './relay/nats.ts'
import { ours, prototype, slowSync } from './relay/ours.ts'
import type { Peer } from './relay/peer.ts'
import { rabbitmq } from './relay/rabbitmq.ts'
import { idleConnections } from './relay/idle.ts'

const saturatedMs = 5_000
const pacedMs = 4_000
const perSecond = 500
/** What an office disk without protection against power failures adds. */
const slowMicroseconds = 2_000
/** Idle connections over TLS. */
const usualIdle = 1_000
const longIdle = 5_000

interface PeerResult {
  readonly peer: Peer
  readonly saturated: LoadResult
  readonly paced: LoadResult
  readonly drained: DrainResult
}

/** The relay beside the floor of its design and beside servers that queue messages, in one sitting, with one client. */
export async function run({ long }: { readonly long: boolean }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'valise-bench-relay-'))
  try {
    const results = await measureAll([ours, prototype, rabbitmq, nats, mosquitto], folder, {})
    const slow = await measureAll([ours, rabbitmq], join(folder, 'slow'), slowSync(folder, slowMicroseconds))
    const idle = await idleConnections(join(folder, 'idle'), long ? longIdle : usualIdle)
    const [own] = results
    return [
      ...(own === undefined ? [] : [fastAtModerateLoad(own)]),
      ...compared(results, ''),
      ...compared(slow, ', fsync + 2 ms'),
      idle,
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureAll(
  peers: readonly Peer[],
  folder: string,
  env: Record<string, string>,
): Promise<PeerResult[]> {
  const results: PeerResult[] = []
  for (const peer of peers)
    results.push(await measure(peer, join(folder, peer.name.replaceAll(' ', '-')), env))
  return results
}

async function measure(peer: Peer, folder: string, env: Record<string, string>): Promise<PeerResult> {
  const server = await peer.start(folder, env)
  try {
    const result = {
      peer,
      saturated: await saturated(server, saturatedMs),
      paced: await paced(server, perSecond, pacedMs),
      drained: await drained(server),
    }
    console.log(JSON.stringify({ ...result, peer: peer.name, durability: peer.durability }))
    return result
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function compared([own, ...others]: readonly PeerResult[], suffix: string): Figure[] {
  if (own === undefined) return []
  return others.flatMap((other) => [rateBeside(own, other, suffix), ...besides(own, other, suffix)])
}

function rateBeside(own: PeerResult, other: PeerResult, suffix: string): Figure {
  const measured = {
    name: `delivered, 20 pairs × 64 of 1 KB${suffix}`,
    value: own.saturated.rate,
    unit: 'messages/s',
    beside: { name: named(other), value: other.saturated.rate },
  }
  if (other.peer === prototype) return atLeast({ ...measured, goal: 0.6 })
  if (other.peer.fsyncs) return atLeast({ ...measured, goal: 2 })
  return printed({ ...measured, why: 'it acknowledges before the disk has it' })
}

function besides(own: PeerResult, other: PeerResult, suffix: string): Figure[] {
  const figure = (name: string, unit: string, of: (result: PeerResult) => number): Figure =>
    printed({
      name: `${name}${suffix}`,
      value: of(own),
      unit,
      beside: { name: named(other), value: of(other) },
      why: 'to be read with its durability',
    })
  return [
    figure(`at ${perSecond}/s, p50 to arrival`, 'ms', (result) => result.paced.p50),
    figure(`at ${perSecond}/s, p99 to arrival`, 'ms', (result) => result.paced.p99),
    figure('saturated, p50 to arrival', 'ms', (result) => result.saturated.p50),
    figure('saturated, p99 to arrival', 'ms', (result) => result.saturated.p99),
    figure('processor for a message', 'µs', (result) => result.saturated.processorMicroseconds),
    figure('10,000 queued', 'ms', (result) => result.drained.enqueueMs),
    figure('10,000 drained', 'ms', (result) => result.drained.drainMs),
    figure('used by others meanwhile', 'cores', (result) => result.saturated.usedByOthers),
  ]
}

function fastAtModerateLoad({ paced: { p50 } }: PeerResult): Figure {
  const beside = { name: 'a millisecond', value: 1 }
  return atMost({ name: `at ${perSecond}/s, p50 to arrival`, value: p50, unit: 'ms', beside, goal: 1 })
}

function named({ peer }: PeerResult): string {
  return `${peer.name} (${peer.durability})`
}
