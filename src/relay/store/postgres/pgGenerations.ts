import { copyBytes, type Bytes } from '../../../base/bytes.ts'
import type { GenerationAct, GenerationOutcome, GenerationStore } from '../deviceStore.ts'
import { perform, type VaultRecord } from '../generationActs.ts'
import { lockAccounts } from './pgAccess.ts'
import type { Database, Transaction } from './database.ts'
import { list, statement } from './statement.ts'

interface StateRow {
  readonly device: number
  readonly generation_last: Uint8Array | null
  readonly generation_holder: Uint8Array | null
  readonly generation_stopped: boolean
  readonly generation_pending: Uint8Array | null
  readonly generation_pending_holder: Uint8Array | null
  readonly frozen: boolean
  readonly last_seen_day: number
  readonly acknowledged: number
  readonly revision: number
}

const readStates = statement<StateRow>(
  `SELECT d.id AS device, d.generation_last, d.generation_holder, d.generation_stopped, d.generation_pending,
          d.generation_pending_holder, d.frozen, d.last_seen_day, m.acknowledged, a.devices_revision AS revision
   FROM devices d JOIN mailboxes m ON m.device = d.id JOIN accounts a ON a.id = d.account
   WHERE d.id = ANY ($1::bigint[])`,
)
const writeStates = statement(
  `WITH u AS (
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::boolean[], $5::bytea[], $6::bytea[],
       $7::boolean[], $8::bigint[], $9::bigint[])
       AS u (device, last, holder, stopped, pending, pending_holder, frozen, day, acknowledged)
   ), marked AS (
     UPDATE mailboxes m SET acknowledged = u.acknowledged FROM u
     WHERE m.device = u.device AND m.acknowledged <> u.acknowledged
   )
   UPDATE devices d SET generation_last = u.last, generation_holder = u.holder, generation_stopped = u.stopped,
          generation_pending = u.pending, generation_pending_holder = u.pending_holder, frozen = u.frozen,
          last_seen_day = u.day
   FROM u WHERE d.id = u.device`,
)

export function pgGenerations(db: Database): GenerationStore {
  return { commit: async (acts) => db.atomically(async (tx) => performAll(tx, acts)) }
}

async function performAll(tx: Transaction, acts: readonly GenerationAct[]): Promise<GenerationOutcome[]> {
  const devices = list(new Set(acts.map(({ device }) => device)))
  tx.send(lockAccounts, '{}', devices)
  const rows = await tx.rows(readStates, devices)
  const records = new Map(rows.map((row) => [row.device, recordOf(row)]))
  const changed = new Set<number>()
  const outcomes = acts.map((act): GenerationOutcome => {
    const before = records.get(act.device)
    if (before === undefined) return { kind: 'gone' }
    const { outcome, after } = perform(act, before)
    if (after !== before) changed.add(act.device)
    records.set(act.device, after)
    return outcome
  })
  write(
    tx,
    [...records].filter(([device]) => changed.has(device)),
  )
  return outcomes
}

function write(tx: Transaction, records: readonly (readonly [number, VaultRecord])[]): void {
  if (records.length === 0) return
  const states = records.map(([, record]) => record.state)
  tx.send(
    writeStates,
    list(records.map(([device]) => device)),
    states.map(({ last }) => last),
    states.map(({ holder }) => holder),
    list(states.map(({ stopped }) => String(stopped))),
    states.map(({ pending }) => pending),
    states.map(({ pendingHolder }) => pendingHolder),
    list(records.map(([, { frozen }]) => String(frozen))),
    list(records.map(([, { lastSeenDay }]) => lastSeenDay)),
    list(states.map(({ acknowledged }) => acknowledged)),
  )
}

function recordOf(row: StateRow): VaultRecord {
  return {
    state: {
      last: bytesOrNull(row.generation_last),
      holder: bytesOrNull(row.generation_holder),
      stopped: row.generation_stopped,
      pending: bytesOrNull(row.generation_pending),
      pendingHolder: bytesOrNull(row.generation_pending_holder),
      acknowledged: row.acknowledged,
    },
    frozen: row.frozen,
    lastSeenDay: row.last_seen_day,
    revision: row.revision,
  }
}

function bytesOrNull(bytes: Uint8Array | null): Bytes | null {
  return bytes === null ? null : copyBytes(bytes)
}
