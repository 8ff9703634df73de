import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { limits } from '../../wire/limits.ts'
import type { GenerationAct, GenerationOutcome, GenerationStore } from './deviceStore.ts'
import { confirmed, judge, offered, type GenerationState } from './generation.ts'
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

const dayMs = 24 * 3_600_000

export function sqliteGenerations(db: SqliteDatabase): GenerationStore {
  const acts = new Acts(db)
  return {
    commit: async (group) =>
      orUnavailable(() => db.transaction(() => group.map((act) => acts.perform(act))).immediate()),
  }
}

/** A last token that no vault holds: what is presented next can only be foreign. */
export function tokenOfNobody(): Bytes {
  return new Uint8Array(randomBytes(limits.generationBytes))
}

class Acts {
  readonly #read
  readonly #write
  readonly #see
  readonly #freeze

  constructor(db: SqliteDatabase) {
    this.#read = db.prepare<[number], StateRow>(
      `SELECT d.generation_last, d.generation_holder, d.generation_stopped, d.generation_pending,
              d.generation_pending_holder, d.acknowledged, d.frozen, d.last_seen_day, a.devices_revision AS revision
       FROM devices d JOIN accounts a ON a.id = d.account WHERE d.id = ?`,
    )
    this.#write = db.prepare<
      [Bytes | null, Bytes | null, number, Bytes | null, Bytes | null, number, number]
    >(
      `UPDATE devices SET generation_last = ?, generation_holder = ?, generation_stopped = ?, generation_pending = ?,
              generation_pending_holder = ?, acknowledged = ? WHERE id = ?`,
    )
    this.#see = db.prepare<[number, number]>('UPDATE devices SET last_seen_day = ? WHERE id = ?')
    this.#freeze = db.prepare<[number]>('UPDATE devices SET frozen = 1 WHERE id = ?')
  }

  perform(act: GenerationAct): GenerationOutcome {
    const row = this.#read.get(act.device)
    if (row === undefined) return { kind: 'gone' }
    if (act.kind === 'freeze') {
      this.#freeze.run(act.device)
      return { kind: 'frozen' }
    }
    if (row.frozen !== 0) return { kind: 'frozen' }
    const state = stateOf(row)
    switch (act.kind) {
      case 'connect':
        return this.#connect(act, row, state)
      case 'offer':
        this.#save(act.device, offered(state, act.token, act.holder))
        return { kind: 'offered' }
      case 'confirm':
        return this.#confirm(act, state)
      default:
        return exhausted(act)
    }
  }

  #connect(
    act: Extract<GenerationAct, { kind: 'connect' }>,
    row: StateRow,
    before: GenerationState,
  ): GenerationOutcome {
    const { verdict, state } = judge(before, act)
    this.#save(act.device, offered(state, act.next, act.holder))
    // The day and no more: when a person works is nobody's business here.
    const day = act.now - (act.now % dayMs)
    if (day !== row.last_seen_day) this.#see.run(day, act.device)
    return { kind: 'judged', verdict, revision: row.revision, acknowledged: state.acknowledged }
  }

  #confirm(act: Extract<GenerationAct, { kind: 'confirm' }>, before: GenerationState): GenerationOutcome {
    const state = confirmed(before, act)
    if (state === null) return { kind: 'notPending' }
    this.#save(act.device, state)
    return { kind: 'confirmed' }
  }

  #save(device: number, state: GenerationState): void {
    const { last, holder, stopped, pending, pendingHolder, acknowledged } = state
    this.#write.run(last, holder, stopped ? 1 : 0, pending, pendingHolder, acknowledged, device)
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
