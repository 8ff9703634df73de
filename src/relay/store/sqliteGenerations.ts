import { copyBytes, type Bytes } from '../../base/bytes.ts'
import type { GenerationAct, GenerationOutcome, GenerationStore } from './deviceStore.ts'
import type { GenerationState } from './generation.ts'
import { perform, type VaultRecord } from './generationActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

interface StateRow {
  readonly generation_last: Uint8Array | null
  readonly generation_holder: Uint8Array | null
  readonly generation_stopped: number
  readonly generation_pending: Uint8Array | null
  readonly generation_pending_holder: Uint8Array | null
  readonly acknowledged: number
  readonly frozen: number
  readonly last_seen_day: number
  readonly revision: number
}

export function sqliteGenerations(db: SqliteDatabase): GenerationStore {
  const acts = new Acts(db)
  return {
    commit: async (group) =>
      orUnavailable(() => db.transaction(() => group.map((act) => acts.perform(act))).immediate()),
  }
}

class Acts {
  readonly #read
  readonly #write

  constructor(db: SqliteDatabase) {
    this.#read = db.prepare<[number], StateRow>(
      `SELECT d.generation_last, d.generation_holder, d.generation_stopped, d.generation_pending,
              d.generation_pending_holder, d.acknowledged, d.frozen, d.last_seen_day, a.devices_revision AS revision
       FROM devices d JOIN accounts a ON a.id = d.account WHERE d.id = ?`,
    )
    this.#write = db.prepare<
      [Bytes | null, Bytes | null, number, Bytes | null, Bytes | null, number, number, number, number]
    >(
      `UPDATE devices SET generation_last = ?, generation_holder = ?, generation_stopped = ?, generation_pending = ?,
              generation_pending_holder = ?, acknowledged = ?, frozen = ?, last_seen_day = ? WHERE id = ?`,
    )
  }

  perform(act: GenerationAct): GenerationOutcome {
    const row = this.#read.get(act.device)
    if (row === undefined) return { kind: 'gone' }
    const before = recordOf(row)
    const { outcome, after } = perform(act, before)
    if (after !== before) this.#save(act.device, after)
    return outcome
  }

  #save(device: number, { state, frozen, lastSeenDay }: VaultRecord): void {
    const { last, holder, stopped, pending, pendingHolder, acknowledged } = state
    this.#write.run(
      last,
      holder,
      stopped ? 1 : 0,
      pending,
      pendingHolder,
      acknowledged,
      frozen ? 1 : 0,
      lastSeenDay,
      device,
    )
  }
}

function recordOf(row: StateRow): VaultRecord {
  return {
    state: stateOf(row),
    frozen: row.frozen !== 0,
    lastSeenDay: row.last_seen_day,
    revision: row.revision,
  }
}

function stateOf(row: StateRow): GenerationState {
  return {
    last: bytesOrNull(row.generation_last),
    holder: bytesOrNull(row.generation_holder),
    stopped: row.generation_stopped !== 0,
    pending: bytesOrNull(row.generation_pending),
    pendingHolder: bytesOrNull(row.generation_pending_holder),
    acknowledged: row.acknowledged,
  }
}

function bytesOrNull(bytes: Uint8Array | null): Bytes | null {
  return bytes === null ? null : copyBytes(bytes)
}
