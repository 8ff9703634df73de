import { limits } from '../../wire/limits.ts'
import { putHash } from './putHash.ts'
import { PutJudge, SeenRecipients } from './putJudge.ts'
import type { RecipientLimit } from './recipientLimit.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { SpentPermits } from './sqlitePermits.ts'
import type {
  DeviceEnvelopeInput,
  PutOutcome,
  PutRequest,
  QueueDelete,
  QueueGroup,
  QueueStore,
  StoredEnvelope,
} from './store.ts'

interface QueueRow {
  readonly id: number
  readonly received_at: number
  readonly message_id: Uint8Array
  readonly body: Uint8Array
}

/** The durable queues. One process writes them, so what waits can be measured in memory. */
export function sqliteQueues(db: SqliteDatabase, parts: Omit<CommitterParts, 'judge'>): QueueStore {
  const judge = new PutJudge(db, parts.permits)
  const commit = new Committer(db, { judge, ...parts })
  const page = db.prepare<[number, number, number], QueueRow>(
    'SELECT id, received_at, message_id, body FROM queue WHERE device = ? AND id > ? ORDER BY id LIMIT ?',
  )
  const newest = db.prepare<[number], { id: number | null }>(
    'SELECT max(id) AS id FROM queue WHERE device = ?',
  )
  return {
    alone: true,
    commit: async (group) => orUnavailable(() => commit.run(group)),
    check: async (put) =>
      orUnavailable(() => {
        const judged = judge.judge(put)
        if (judged.kind === 'repeated') return { kind: 'proper', targets: [] }
        return judged.kind === 'proper' ? { kind: 'proper', targets: judged.targets } : judged
      }),
    page: async (device, after, rows, bytes) =>
      orUnavailable(() => readPage(page.iterate(device, after, rows), device, bytes)),
    newest: async (device) => orUnavailable(() => newest.get(device)?.id ?? 0),
  }
}

function readPage(rows: IterableIterator<QueueRow>, device: number, bytes: number): StoredEnvelope[] {
  const found: StoredEnvelope[] = []
  let size = 0
  for (const row of rows) {
    found.push({ device, id: row.id, receivedAt: row.received_at, messageId: row.message_id, body: row.body })
    size += row.body.length
    if (size >= bytes) break
  }
  return found
}

/** What waits for a device. */
interface Waiting {
  envelopes: number
  bytes: number
}

interface CommitterParts {
  readonly judge: PutJudge
  readonly permits: SpentPermits
  readonly queueBytes: number
  readonly recipients: RecipientLimit
}

interface Numbers {
  lastId: number
  readonly receivedAt: number
  readonly now: number
}

class Committer {
  readonly #db: SqliteDatabase
  readonly #parts: CommitterParts
  readonly #begin
  readonly #end
  readonly #undo
  readonly #insert
  readonly #delete
  readonly #exists
  readonly #measure
  readonly #readState
  readonly #writeState
  readonly #raise
  /** As far as known; a device without an entry is measured when needed. */
  readonly #waiting = new Map<number, Waiting>()

  constructor(db: SqliteDatabase, parts: CommitterParts) {
    this.#db = db
    this.#parts = parts
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#end = db.prepare('COMMIT')
    this.#undo = db.prepare('ROLLBACK')
    this.#insert = db.prepare<[number, number, Uint8Array, number, Uint8Array]>(
      `INSERT INTO queue (id, device, message_id, received_at, body) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (device, message_id) DO NOTHING`,
    )
    // All of a device at once: one by one, with their lengths, they cost as much as the puts.
    this.#delete = db
      .prepare<[string, number], [id: number, bytes: number]>(
        `DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?)) AND device = ?
         RETURNING id, length(body)`,
      )
      .raw()
    this.#exists = db.prepare<[number, Uint8Array], { id: number }>(
      'SELECT id FROM queue WHERE device = ? AND message_id = ?',
    )
    this.#measure = db.prepare<[number], Waiting>(
      'SELECT count(*) AS envelopes, coalesce(sum(length(body)), 0) AS bytes FROM queue WHERE device = ?',
    )
    this.#readState = db.prepare<[], { last_id: number; received_at: number }>(
      'SELECT last_id, received_at FROM queue_state',
    )
    this.#writeState = db.prepare<[number, number]>('UPDATE queue_state SET last_id = ?, received_at = ?')
    this.#raise = db.prepare<[number, number]>(
      'UPDATE devices SET acknowledged = max(acknowledged, ?) WHERE id = ?',
    )
  }

  run(group: QueueGroup): PutOutcome[] {
    this.#begin.run()
    try {
      const outcomes = this.#write(group)
      this.#end.run()
      return outcomes
    } catch (thrown) {
      // What was counted on the way is no longer true; it is counted afresh.
      this.#waiting.clear()
      this.#parts.recipients.forget()
      // SQLite has rolled back by itself after some failures, SQLITE_FULL among them.
      if (this.#db.inTransaction) this.#undo.run()
      throw thrown
    }
  }

  #write(group: QueueGroup): PutOutcome[] {
    this.#removeAll(group.deletes)
    if (group.puts.length === 0) return []
    const state = this.#readState.get() ?? { last_id: 0, received_at: 0 }
    const receivedAt = Math.max(state.received_at, group.now)
    const numbers = { lastId: state.last_id, receivedAt, now: group.now }
    const seen = new SeenRecipients()
    const outcomes = group.puts.map((put) => this.#put(put, numbers, seen))
    this.#writeState.run(numbers.lastId, numbers.receivedAt)
    return outcomes
  }

  #removeAll(deletes: readonly QueueDelete[]): void {
    const ids = new Map<number, number[]>()
    for (const { device, id } of deletes) {
      const known = ids.get(device)
      if (known === undefined) ids.set(device, [id])
      else known.push(id)
    }
    for (const [device, gone] of ids) this.#remove(device, gone)
  }

  #remove(device: number, ids: readonly number[]): void {
    const removed = this.#delete.all(JSON.stringify(ids), device)
    if (removed.length === 0) return
    this.#raise.run(Math.max(...removed.map(([id]) => id)), device)
    const waiting = this.#waiting.get(device)
    if (waiting === undefined) return
    waiting.envelopes -= removed.length
    for (const [, bytes] of removed) waiting.bytes -= bytes
    if (waiting.envelopes <= 0) this.#waiting.delete(device)
  }

  #put(put: PutRequest, numbers: Numbers, seen: SeenRecipients): PutOutcome {
    const judged = this.#parts.judge.judge(put, seen)
    if (judged.kind === 'repeated') return { kind: 'stored', added: [] }
    if (judged.kind !== 'proper') return judged
    const { account, targets } = judged
    if (targets.some(({ device, envelope }) => this.#isFull(device, envelope))) return { kind: 'full' }
    const retryAfterMs = put.by.kind === 'permit' ? this.#parts.recipients.wait(account, numbers.now) : 0
    if (retryAfterMs > 0) return { kind: 'recipientLimit', retryAfterMs }
    const added = targets.flatMap(({ device, envelope }) => {
      const stored = this.#append(device, envelope, numbers.lastId + 1, numbers.receivedAt)
      if (stored === null) return []
      numbers.lastId = stored.id
      return [stored]
    })
    if (put.by.kind === 'permit' && added.length > 0) {
      this.#parts.permits.spend(put.by.permit, putHash(put), numbers.now)
      this.#parts.recipients.count(account, numbers.now)
    }
    return { kind: 'stored', added }
  }

  /** A repetition of what is stored already finds room even in a full queue. */
  #isFull(device: number, envelope: DeviceEnvelopeInput): boolean {
    const { envelopes, bytes } = this.#waitingFor(device)
    const full = envelopes >= limits.queueEnvelopes || bytes + envelope.body.length > this.#parts.queueBytes
    return full && this.#exists.get(device, envelope.messageId) === undefined
  }

  #waitingFor(device: number): Waiting {
    const known = this.#waiting.get(device)
    if (known !== undefined) return known
    const measured = this.#measure.get(device) ?? { envelopes: 0, bytes: 0 }
    this.#waiting.set(device, measured)
    return measured
  }

  #append(
    device: number,
    envelope: DeviceEnvelopeInput,
    id: number,
    receivedAt: number,
  ): StoredEnvelope | null {
    const { messageId, body } = envelope
    const waiting = this.#waitingFor(device)
    if (this.#insert.run(id, device, messageId, receivedAt, body).changes === 0) return null
    waiting.envelopes += 1
    waiting.bytes += body.length
    return { device, id, receivedAt, messageId, body }
  }
}
