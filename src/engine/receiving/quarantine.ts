import type { Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { OpenResult, Protocol, Refused, Turn } from '../../protocol/protocol.ts'
import { readIdentity } from '../../storage/records.ts'
import {
  accountsWaiting,
  deleteQuarantined,
  dropOldQuarantined,
  listDueForRetry,
  noteAttempt,
  readQuarantinedOf,
  type QuarantineRow,
} from '../../storage/repositories/quarantine.ts'
import { rememberEnvelope } from '../../storage/repositories/received.ts'
import type { Vault } from '../../storage/vault.ts'
import type { Arrivals, BatchResult } from './arrivals.ts'
import type { Journal } from '../profile/journal.ts'
import type { Self } from '../account/self.ts'

const hour = 3_600_000
const day = 24 * hour
/** The waits between attempts, in ms: a newer Valise may read what this one meets a defect with. */
const waits = [6 * hour, day, 7 * day, 30 * day] as const
/** After so long nothing that happens can make an envelope readable, in ms: no sender keeps a message so long. */
const keptMs = 90 * day
/** Beyond so many the oldest go: whoever can write to this account must not be able to fill its disk. */
export const quarantineLimit = 10_000

/** An envelope as the relay delivered it. `queueId` 0: ephemeral. */
export interface Incoming {
  readonly envelopeId: Bytes
  readonly body: Bytes
  /** The time at which its certificate is judged. */
  readonly receivedAt: number
  readonly queueId: number
  /** The position that was kept for it while it could not be read. */
  readonly place?: number | null
}

/**
 * When an envelope is tried again that was refused `attempts` times, ms since the epoch; null: by itself never. Only a
 * defect may be gone at another time; what else was refused waits for a person, or for the message sent again.
 */
export function nextAttempt(code: ErrorCode, attempts: number, now: number): number | null {
  const wait = code === 'internal' ? waits[attempts - 1] : undefined
  return wait === undefined ? null : now + wait
}

interface QuarantineParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly journal: Journal
  readonly clock: Clock
  readonly self: Self
  readonly arrivals: () => Arrivals
  /** Takes in what opening it gave, in the same turn. */
  readonly settle: (turn: Turn, envelope: Incoming, opened: OpenResult, changes: Arrivals) => void
  readonly committed: (batch: BatchResult) => void
}

/** What could not be read when it came, and may be now. */
export class Quarantine {
  readonly #parts: QuarantineParts

  constructor(parts: QuarantineParts) {
    this.#parts = parts
  }

  /**
   * What waited for a decision, in the order in which it came; the caller commits. It reads like any other, and what still
   * cannot be read is asked for again.
   */
  async release(turn: Turn, accountId: string): Promise<BatchResult> {
    const changes = this.#parts.arrivals()
    let after = 0
    for (;;) {
      const rows = readQuarantinedOf(this.#parts.vault.sql, accountId, 'identity.changed', after)
      for (const row of rows) await this.#openAgain(turn, row, changes)
      const last = rows.at(-1)
      if (last === undefined) break
      after = last.id
      await new Promise((resolve) => setImmediate(resolve))
    }
    turn.writes.write((tx) => changes.writeReceipts(tx))
    return changes
  }

  /** At the start, and after the account's own key was replaced: what no decision is waited for any more. */
  async releaseDecided(): Promise<void> {
    const { vault, self } = this.#parts
    for (const accountId of accountsWaiting(vault.sql, 'identity.changed')) {
      const pending = (readIdentity(vault.sql, accountId)?.changedKey ?? null) !== null
      if (pending && accountId !== self.accountId) continue
      await this.#inTurn((turn) => this.release(turn, accountId))
    }
  }

  /** What met a defect and is due, and forgets what is too old. Each attempt is counted before it is made. */
  async tend(now: number): Promise<void> {
    const { vault } = this.#parts
    vault.transaction((tx) => dropOldQuarantined(tx, now - keptMs, quarantineLimit))
    for (const row of listDueForRetry(vault.sql, now)) {
      vault.transaction((tx) => noteAttempt(tx, row.id, nextAttempt(row.reason, row.attempts + 1, now)))
      // The defect is still there: it lies where it lay, and the next attempt is noted.
      await this.#inTurn((turn) => this.#attempt(turn, row)).catch(() => undefined)
    }
  }

  async #attempt(turn: Turn, row: QuarantineRow): Promise<BatchResult> {
    const changes = this.#parts.arrivals()
    await this.#openAgain(turn, row, changes)
    turn.writes.write((tx) => {
      rememberEnvelope(tx, row.envelopeId, row.receivedAt)
      changes.writeReceipts(tx)
    })
    return changes
  }

  async #inTurn(work: (turn: Turn) => Promise<BatchResult>): Promise<void> {
    const { protocol, journal, committed } = this.#parts
    const result = await protocol.exclusively(async (turn) => {
      const changes = await work(turn)
      turn.writes.commit()
      return changes
    })
    // The entries are in the vault; a sidecar that cannot be written now is completed by the next flush.
    await journal.flush().catch(() => undefined)
    committed(result)
  }

  async #openAgain(turn: Turn, row: QuarantineRow, changes: Arrivals): Promise<void> {
    const { id, envelopeId, body, receivedAt, queueId, place } = row
    const opened = await turn.open(body, receivedAt, envelopeId)
    turn.writes.write((tx) => deleteQuarantined(tx, id))
    const envelope = { envelopeId, body, receivedAt, queueId: queueId ?? 0, place }
    this.#parts.settle(turn, envelope, this.#judged(row, opened), changes)
  }

  /** What was released and is still under another key than the decided one waits for nothing any more. */
  #judged(row: QuarantineRow, opened: OpenResult): OpenResult {
    const undecided = row.reason !== 'identity.changed' || opened.kind !== 'refused'
    return undecided ? opened : stillRefused(opened)
  }
}

function stillRefused(refused: Refused): Refused {
  return refused.code === 'identity.changed'
    ? { ...refused, code: 'identity.superseded', changedKey: null }
    : refused
}
