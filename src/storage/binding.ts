import Database, { setLogger } from '@signalapp/sqlcipher'
import type { Bytes } from '../base/bytes.ts'
import { storageError } from './errors.ts'

/**
 * The one file that knows the SQLCipher binding. It hides its traps (numbers are bound as REAL, errors go to
 * stderr, a failed open has no code) and gives the rooms above plain synchronous SQL. One stays: empty bytes are bound as null.
 */
export type SqlValue = string | number | Bytes | null
export type Row = Readonly<Record<string, SqlValue>>

/** Reading and writing SQL; statements are prepared once each. Throws coded errors only. */
export interface Sql {
  run(text: string, parameters?: readonly SqlValue[]): { readonly changes: number; readonly lastId: number }
  get<R extends Row>(text: string, parameters?: readonly SqlValue[]): R | null
  all<R extends Row>(text: string, parameters?: readonly SqlValue[]): R[]
}

export interface Connection extends Sql {
  /** SQL without parameters or rows: schema, transaction control. */
  exec(text: string): void
  /** The first column of the first row. */
  pragma(text: string): SqlValue
  close(): void
}

type Statement = ReturnType<Database['prepare']>

// The library writes SQL and paths to stderr otherwise (rule 1); what matters arrives as an exception.
setLogger(() => undefined)

/** Opens or creates the file; nothing is read or checked yet. */
export function connect(file: string): Connection {
  const database = guarded(() => new Database(file))
  const statements = new Map<string, Statement>()
  const prepared = (text: string): Statement => {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(text)
    statements.set(text, statement)
    return statement
  }
  return {
    run: (text, parameters = []) =>
      guarded(() => {
        const { changes, lastInsertRowid } = prepared(text).run(parameters)
        return { changes, lastId: lastInsertRowid }
      }),
    get: <R extends Row>(text: string, parameters: readonly SqlValue[] = []) =>
      guarded(() => prepared(text).get<R>(parameters) ?? null),
    all: <R extends Row>(text: string, parameters: readonly SqlValue[] = []) =>
      guarded(() => prepared(text).all<R>(parameters)),
    exec: (text) => {
      guarded(() => {
        database.exec(text)
      })
    },
    // Not the binding's `simple` form, which refuses pragmas of several columns.
    pragma: (text) => guarded(() => Object.values(database.pragma(text)[0] ?? {})[0] ?? null),
    close: () => {
      statements.clear()
      database.close()
    },
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storageError(error)
  }
}
