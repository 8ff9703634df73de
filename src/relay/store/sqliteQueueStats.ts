import type { QueueMark, QueueStatsStore, QueueTotals } from './queueStats.ts'
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
  }
}

function place(mark: QueueMark | null): Place {
  return mark === null ? [-1, -1] : [mark.device, mark.id]
}
