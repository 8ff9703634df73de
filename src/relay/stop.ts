import type { FastifyInstance } from 'fastify'
import type { Admin } from './admin/admin.ts'
import type { Blobs } from './blobs/blobs.ts'
import type { RunningBudgets } from './budgets/budgets.ts'
import type { ChangeWatch } from './changes.ts'
import type { BegunRequests } from './http/begunRequests.ts'
import type { Housekeeping } from './housekeeping.ts'
import type { RelayLog } from './log.ts'
import type { Operations } from './operations/operations.ts'
import type { Readiness } from './operations/readiness.ts'
import type { TlsKeeper } from './operations/tlsKeeper.ts'
import type { GenerationCommit } from './queue/generationCommit.ts'
import type { GroupCommit } from './queue/groupCommit.ts'
import type { SocketHub } from './socket/hub.ts'
import type { Peers } from './peers/peers.ts'
import type { RelayStore } from './store/store.ts'

export interface StoppableParts {
  readonly app: FastifyInstance
  readonly begun: BegunRequests
  readonly hub: SocketHub
  readonly commits: GroupCommit
  readonly generations: GenerationCommit
  readonly watch: ChangeWatch
  readonly housekeeping: Housekeeping
  readonly readiness: Readiness
  readonly tls: TlsKeeper | null
  readonly operations: Operations | null
  readonly store: RelayStore
  readonly accountBudgets: RunningBudgets
  readonly blobs: Blobs
  readonly peers: Peers
  readonly admin: Admin | null
}

/** A store whose server is silent does not hold the process up for longer, in milliseconds. */
const closeMs = 3_000

/**
 * Ends a relay in order: nobody new is sent here, nothing more is read, what was read is committed and answered, then
 * the connections go. What takes longer than `withinMs` is left: whatever was acknowledged is on disk already.
 */
export async function stopRelay(
  parts: StoppableParts,
  data: string,
  log: RelayLog,
  withinMs: number,
): Promise<void> {
  log.info('relay stopping', { connections: parts.hub.size })
  parts.readiness.stop()
  parts.tls?.stop()
  const inTime = await within(withinMs, drain(parts))
  if (!inTime) {
    log.warn('relay stopped late', { connections: parts.hub.size })
    // A store that answers nothing: whoever waits for it is at least told to come back.
    void parts.admin?.stop()
    void parts.hub.stop()
    void parts.app.close()
  }
  await within(closeMs, close(parts, data))
  log.info('relay stopped')
}

async function close({ operations, peers, store }: StoppableParts, data: string): Promise<void> {
  await operations?.stop(data)
  await peers.stop()
  await store.close()
}

async function drain(parts: StoppableParts): Promise<void> {
  const { app, hub, commits, generations } = parts
  hub.quiesce()
  // What it does ends devices and accounts: the connections below hear of it.
  await parts.admin?.stop()
  await parts.watch.stop()
  await parts.housekeeping.stop()
  await commits.drain()
  await generations.drain()
  await hub.stop()
  // `forceCloseConnections` cuts whatever is left, so that what idles holds nothing up.
  await parts.begun.answered()
  await app.close()
  await commits.drain()
  await generations.drain()
  await parts.blobs.stop()
  await parts.accountBudgets.stop()
}

async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
