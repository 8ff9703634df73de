import { restoredToken } from './generation.ts'
import { restoreJumps, type QueueMark, type QueueStatsStore, type QueueTotals } from './queueStats.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

type Place = [device: number, id: number]

/** Beyond every device and id. */
const end: Place = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]

export function sqliteQueueStats(db: SqliteDatabase): QueueStatsStore {
  // `queue_by_device` holds all that is asked: no body is read, and no row comes out but the last.
  const last = db.prepare<[...Place, number], QueueMark>(
    `SELECT device, id FROM queue INDEXED BY queue_by_device
     WHERE (device, id) > (?, ?) ORDER BY device, id LIMIT 1 OFFSET ?`,
  )
  const sum = db.prepare<[...Place, ...Place], QueueTotals>(
    `SELECT count(*) AS envelopes, coalesce(sum(length(body)), 0) AS bytes FROM queue INDEXED BY queue_by_device
     WHERE (device, id) > (?, ?) AND (device, id) <= (?, ?)`,
  )
  // The newest time of arrival may rise without an arrival. A write that changes nothing would not reach the disk.
  const probe = db.prepare<[number]>('UPDATE queue_state SET received_at = max(received_at + 1, ?)')
  return {
    slice: async (after, rows) =>
      orUnavailable(() => {
        const from = place(after)
        const next = last.get(...from, rows - 1) ?? null
        const totals = sum.get(...from, ...(next === null ? end : place(next)))
        return { envelopes: totals?.envelopes ?? 0, bytes: totals?.bytes ?? 0, next }
      }),
    probe: async (now) => {
      orUnavailable(() => probe.run(now))
    },
    restored: async () => {
      orUnavailable(() => db.transaction(() => adapt(db)).immediate())
    },
  }
}

function adapt(db: SqliteDatabase): void {
  db.prepare('UPDATE queue_state SET last_id = last_id + ?').run(restoreJumps.queueIds)
  db.prepare('UPDATE accounts SET devices_revision = devices_revision + ?').run(restoreJumps.revisions)
  db.prepare('DELETE FROM one_time_pre_keys').run()
  db.prepare('DELETE FROM one_time_kyber_pre_keys').run()
  db.prepare(
    `UPDATE devices SET generation_last = ?, generation_holder = NULL, generation_stopped = 0,
            generation_pending = NULL, generation_pending_holder = NULL`,
  ).run(restoredToken)
}

function place(mark: QueueMark | null): Place {
  return mark === null ? [-1, -1] : [mark.device, mark.id]
}
