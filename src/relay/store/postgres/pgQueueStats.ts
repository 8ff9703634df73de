import { restoredToken } from '../generation.ts'
import { restoreJumps, type QueueMark, type QueueSlice, type QueueStatsStore } from '../queueStats.ts'
import type { Database } from './database.ts'
import { statement } from './statement.ts'

interface MailboxRow {
  readonly device: number
  readonly envelopes: number
  readonly bytes: number
}

const mailboxesAtOnce = 1_000
const readMailboxes = statement<MailboxRow>(
  `SELECT device, envelopes, bytes FROM mailboxes WHERE device >= $1 ORDER BY device LIMIT ${mailboxesAtOnce}`,
)
// Changes nothing and reaches the disk all the same.
const probe = statement('UPDATE schema_version SET version = version')

const restored = statement(
  `WITH ids AS (UPDATE mailboxes SET last_id = last_id + ${restoreJumps.queueIds}),
        revisions AS (UPDATE accounts SET devices_revision = devices_revision + ${restoreJumps.revisions}),
        pre AS (DELETE FROM one_time_pre_keys),
        kyber AS (DELETE FROM one_time_kyber_pre_keys)
   UPDATE devices SET generation_last = $1, generation_holder = NULL, generation_stopped = false,
          generation_pending = NULL, generation_pending_holder = NULL`,
)

/** Adds up what `mailboxes` counts. A mark's `id` is how many of its device's envelopes were counted; their bytes come first. */
export function pgQueueStats(db: Database): QueueStatsStore {
  return {
    slice: async (after, rows) => sliceOf(await db.rows(readMailboxes, after?.device ?? 0), after, rows),
    probe: async () => {
      await db.rows(probe)
    },
    restored: async () => {
      await db.rows(restored, restoredToken)
    },
  }
}

function sliceOf(mailboxes: readonly MailboxRow[], after: QueueMark | null, rows: number): QueueSlice {
  let [envelopes, bytes] = [0, 0]
  for (const mailbox of mailboxes) {
    const before = mailbox.device === after?.device ? after.id : 0
    const counted = Math.max(0, Math.min(mailbox.envelopes - before, rows - envelopes))
    envelopes += counted
    if (before === 0 && counted > 0) bytes += mailbox.bytes
    if (envelopes === rows)
      return { envelopes, bytes, next: { device: mailbox.device, id: before + counted } }
  }
  const last = mailboxes.length === mailboxesAtOnce ? mailboxes.at(-1) : undefined
  return {
    envelopes,
    bytes,
    next: last === undefined ? null : { device: last.device, id: last.envelopes },
  }
}
