import type { Bytes } from '../../../base/bytes.ts'
import type { ActContext, ApprovalStore } from '../peopleStore.ts'
import type { Database, Transaction } from './database.ts'
import { actWriter } from './pgActs.ts'
import { statement } from './statement.ts'

interface ApprovalRow {
  readonly what: string
  readonly asked_by: string
  readonly approved_by: string | null
}

const insert = statement(
  'INSERT INTO approvals (code_hash, what, asked_by, expires_at) VALUES ($1, $2, $3, $4)',
)
const forget = statement('DELETE FROM approvals WHERE expires_at <= $1')
const find = statement<ApprovalRow>(
  'SELECT what, asked_by, approved_by FROM approvals WHERE code_hash = $1 FOR UPDATE',
)
const setApproved = statement('UPDATE approvals SET approved_by = $1 WHERE code_hash = $2')
const remove = statement('DELETE FROM approvals WHERE code_hash = $1')

export function pgApprovals(db: Database): ApprovalStore {
  return {
    ask: async ({ codeHash, what, expiresAt }, context) =>
      db.atomically(async (tx) => {
        const { write } = await actWriter(tx)
        tx.send(insert, codeHash, what, actorName(context), expiresAt)
        write({ type: 'read.asked', detail: what }, context)
      }),
    approve: async (codeHash, context) =>
      db.atomically(async (tx) => {
        const { write } = await actWriter(tx)
        const row = await current(tx, codeHash, context.now)
        if (row === undefined) return 'unknown'
        if (row.asked_by === actorName(context)) return 'samePerson'
        tx.send(setApproved, actorName(context), codeHash)
        write({ type: 'read.approved', detail: row.what }, context)
        return 'approved'
      }),
    use: async (codeHash, context) =>
      db.atomically(async (tx) => {
        const { write } = await actWriter(tx)
        const row = await current(tx, codeHash, context.now)
        if (row === undefined || row.asked_by !== actorName(context)) return 'unknown'
        if (row.approved_by === null) return 'notApproved'
        tx.send(remove, codeHash)
        write({ type: 'read.made', detail: row.what }, context)
        return 'used'
      }),
  }
}

async function current(tx: Transaction, codeHash: Bytes, now: number): Promise<ApprovalRow | undefined> {
  tx.send(forget, now)
  return (await tx.rows(find, codeHash))[0]
}

/** An operator and an account of the same name are two. */
function actorName({ by }: ActContext): string {
  return `${by.kind} ${by.name}`
}
