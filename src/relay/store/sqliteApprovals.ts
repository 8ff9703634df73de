import type { Bytes } from '../../base/bytes.ts'
import type {
  ActContext,
  ApprovalOutcome,
  ApprovalRequest,
  ApprovalStore,
  UseOutcome,
} from './peopleStore.ts'
import type { ActWriter } from './sqliteActs.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'

interface ApprovalRow {
  readonly what: string
  readonly asked_by: string
  readonly approved_by: string | null
}

export function sqliteApprovals(db: SqliteDatabase, writeAct: ActWriter): ApprovalStore {
  const insert = db.prepare(
    'INSERT INTO approvals (code_hash, what, asked_by, expires_at) VALUES (?, ?, ?, ?)',
  )
  const forget = db.prepare('DELETE FROM approvals WHERE expires_at <= ?')
  const find = db.prepare<[Bytes], ApprovalRow>(
    'SELECT what, asked_by, approved_by FROM approvals WHERE code_hash = ?',
  )
  const approve = db.prepare('UPDATE approvals SET approved_by = ? WHERE code_hash = ?')
  const remove = db.prepare('DELETE FROM approvals WHERE code_hash = ?')
  const current = (codeHash: Bytes, now: number): ApprovalRow | undefined => {
    forget.run(now)
    return find.get(codeHash)
  }
  const inTransaction = <T>(work: () => T): T => orUnavailable(() => db.transaction(work).immediate())
  return {
    ask: async (request: ApprovalRequest, context) =>
      inTransaction(() => {
        insert.run(request.codeHash, request.what, actorName(context), request.expiresAt)
        writeAct({ type: 'read.asked', detail: request.what }, context)
      }),
    approve: async (codeHash, context): Promise<ApprovalOutcome> =>
      inTransaction(() => {
        const row = current(codeHash, context.now)
        if (row === undefined) return 'unknown'
        if (row.asked_by === actorName(context)) return 'samePerson'
        approve.run(actorName(context), codeHash)
        writeAct({ type: 'read.approved', detail: row.what }, context)
        return 'approved'
      }),
    use: async (codeHash, context): Promise<UseOutcome> =>
      inTransaction(() => {
        const row = current(codeHash, context.now)
        if (row === undefined || row.asked_by !== actorName(context)) return 'unknown'
        if (row.approved_by === null) return 'notApproved'
        remove.run(codeHash)
        writeAct({ type: 'read.made', detail: row.what }, context)
        return 'used'
      }),
  }
}

/** An operator and an account of the same name are two. */
function actorName({ by }: ActContext): string {
  return `${by.kind} ${by.name}`
}
