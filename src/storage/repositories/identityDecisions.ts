import type { Bytes } from '../../base/bytes.ts'
import type { Sql, SqlValue } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** What the person decided about an identity key of an account, on whichever device. */
export interface IdentityDecision {
  readonly accountId: string
  /** 33 bytes. */
  readonly identityKey: Bytes
  /** The key that stood before; null when this is the first one. */
  readonly previousKey: Bytes | null
  readonly accepted: boolean
  /** Compared by safety number; `decidedAt` is then when. */
  readonly verified: boolean
  /** ms since the epoch. */
  readonly decidedAt: number
}

interface Raw extends Readonly<Record<string, SqlValue>> {
  account_id: string
  identity_key: Bytes
  previous_key: Bytes | null
  accepted: number
  verified: number
  decided_at: number
}

/** The newest decision about a key stands; true when it is this one. A previous key once known stays. */
export function writeDecision(tx: Tx, decision: IdentityDecision): boolean {
  const { changes } = tx.run(
    `INSERT INTO identity_decision (account_id, identity_key, previous_key, accepted, verified, decided_at)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET previous_key = coalesce(previous_key, excluded.previous_key),
       accepted = excluded.accepted, verified = excluded.verified, decided_at = excluded.decided_at
       WHERE decided_at < excluded.decided_at`,
    [
      decision.accountId,
      decision.identityKey,
      decision.previousKey,
      Number(decision.accepted),
      Number(decision.verified),
      decision.decidedAt,
    ],
  )
  return changes === 1
}

export function readDecision(sql: Sql, accountId: string, identityKey: Bytes): IdentityDecision | null {
  const raw = sql.get<Raw>('SELECT * FROM identity_decision WHERE account_id = ? AND identity_key = ?', [
    accountId,
    identityKey,
  ])
  return raw && fromRaw(raw)
}

/** All of an account, newest first. */
export function readDecisions(sql: Sql, accountId: string): IdentityDecision[] {
  return sql
    .all<Raw>('SELECT * FROM identity_decision WHERE account_id = ?', [accountId])
    .map(fromRaw)
    .toSorted((a, b) => b.decidedAt - a.decidedAt)
}

function fromRaw(raw: Raw): IdentityDecision {
  return {
    accountId: raw.account_id,
    identityKey: raw.identity_key,
    previousKey: raw.previous_key,
    accepted: raw.accepted === 1,
    verified: raw.verified === 1,
    decidedAt: raw.decided_at,
  }
}
