import type { Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import type { Sql } from '../binding.ts'
import type { Tx } from '../vault.ts'

/** An envelope that could not be decrypted, kept as it came (ARCHITECTURE section 3). */
export interface QuarantinedEnvelope {
  readonly envelopeId: Bytes
  readonly body: Bytes
  readonly receivedAt: number
  readonly reason: ErrorCode
  /** Who sent it, where the certificate told. */
  readonly accountId: string | null
}

/** False when this envelope lies there already. */
export function insertQuarantined(tx: Tx, envelope: QuarantinedEnvelope): boolean {
  const { changes } = tx.run(
    `INSERT INTO quarantine (envelope_id, body, received_at, reason, account_id) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    [envelope.envelopeId, envelope.body, envelope.receivedAt, envelope.reason, envelope.accountId],
  )
  return changes === 1
}

export function countQuarantined(sql: Sql): number {
  return sql.get<{ n: number }>('SELECT count(*) AS n FROM quarantine')?.n ?? 0
}
