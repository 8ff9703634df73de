import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { CodedError, type ErrorCode } from '../../base/errors.ts'
import { migrations } from './migrations/index.ts'
import { areActsWhole } from './sqliteActs.ts'
import { isWhole } from './sqliteBackup.ts'
import { checkVersion } from './version.ts'

export interface DatabaseLook {
  readonly problem: ErrorCode | null
  /** The newest time of arrival in it, ms since the epoch. */
  readonly newest: number | null
}

/** Reads the whole file and changes nothing; one that does not exist yet is as good as empty. */
export function lookAtDatabase(file: string): DatabaseLook {
  if (!existsSync(file)) return { problem: null, newest: null }
  try {
    const db = new Database(file, { readonly: true })
    try {
      const [version, current] = [
        db.pragma('user_version', { simple: true }),
        migrations.at(-1)?.version ?? 0,
      ]
      checkVersion(Number(version), current)
      if (!isWhole(db)) return { problem: 'relay.dataDamaged', newest: null }
      if (version === current && !areActsWhole(db)) return { problem: 'acts.damaged', newest: null }
      const state = db.prepare<[], { at: number }>('SELECT received_at AS at FROM queue_state').get()
      return { problem: null, newest: state?.at ?? null }
    } finally {
      db.close()
    }
  } catch (thrown) {
    return { problem: thrown instanceof CodedError ? thrown.code : 'relay.dataDamaged', newest: null }
  }
}
