import { CodedError } from '../../base/errors.ts'
import type { Connection } from '../binding.ts'
import { rollBack } from '../transaction.ts'
import { firstSchema } from './0001-first-schema.ts'
import { messengerSchema } from './0002-messenger.ts'
import { keptPlaces } from './0003-kept-places.ts'

/** SQL alone, or a function where a value cannot be made in SQL; it runs inside the step's transaction. */
export type Migration = string | ((connection: Connection) => void)

/** Numbered from 1, in order, never changed once released: one file each. */
const migrations: readonly Migration[] = [firstSchema, messengerSchema, keptPlaces]

export const schemaVersion = migrations.length

/**
 * Brings the schema up to this version, each step in a transaction of its own with its number, so that a kill
 * between two of them is harmless. Throws `vault.newer` for a vault of a later Valise, untouched, and `vault.diskFull`.
 */
export function migrate(connection: Connection, scripts: readonly Migration[] = migrations): void {
  const version = connection.pragma('user_version')
  if (typeof version !== 'number') throw new CodedError('vault.damaged')
  const known = scripts.length
  if (version > known) throw new CodedError('vault.newer', { found: version, known })
  for (const [index, script] of scripts.entries()) {
    if (index >= version) step(connection, script, index + 1)
  }
}

function step(connection: Connection, script: Migration, number: number): void {
  connection.exec('BEGIN IMMEDIATE')
  try {
    if (typeof script === 'string') connection.exec(script)
    else script(connection)
    connection.exec(`PRAGMA user_version = ${number}`)
    connection.exec('COMMIT')
  } catch (error) {
    rollBack(connection)
    throw error
  }
}
