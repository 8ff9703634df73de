import { Client, Pool, types, type PoolClient, type QueryResult } from 'pg'
import { CodedError } from '../../../base/errors.ts'
import { engineCode } from '../engineCode.ts'
import { statement, type SqlValue, type Statement } from './statement.ts'

export interface DatabaseOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, or with `?host=/folder/of/the/socket`. */
  readonly url: string
  /** A statement that takes longer has failed, in milliseconds. Left out: 10 s. */
  readonly statementMs?: number
}

/** Connections of one pool. */
const connections = 8
/** Waiting for a free one of them counts too. */
const connectMs = 10_000
const usualStatementMs = 10_000
/** The server gives up first; this one is for a server that says nothing any more. */
const silenceMs = 2_000
const attempts = 6
/** Two transactions were in each other's way, or one found what the other had just written: done again, it sees it. */
const conflicts: ReadonlySet<string> = new Set(['40001', '40P01', '23505'])

const int8 = 20

/**
 * What every connection is set to. A commit means that the log is on the disk, whatever the server's usual setting. Plans
 * go by indexes: a queue is empty in one minute and long in the next, so that its statistics are always wrong.
 */
const settings = [
  'search_path=valise',
  'synchronous_commit=on',
  'default_transaction_isolation=read\\ committed',
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
]

export function connectionSettings({ url, statementMs = usualStatementMs }: DatabaseOptions) {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: statementMs + silenceMs,
    // A relay that was stopped in the middle of a transaction holds up the others for so long.
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    application_name: 'valise-relay',
    options: settings.map((setting) => `-c ${setting}`).join(' '),
  }
}

/**
 * Connections to the server. Whatever fails there, the way to it included, is `relay.unavailable`; what our own code
 * throws inside a transaction undoes it and passes on.
 */
export class Database {
  readonly #options: DatabaseOptions
  readonly #pool: Pool

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#pool = new Pool({
      ...connectionSettings(options),
      max: connections,
      pipeline: true,
      types: {
        // Every number of ours is below 2^53.
        getTypeParser: ((oid: number) =>
          oid === int8 ? Number : types.getTypeParser(oid)) as typeof types.getTypeParser,
      },
    })
    // A connection that breaks tells whoever uses it; the event alone would end the process.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  async rows<Row>(one: Statement<Row>, ...values: readonly SqlValue[]): Promise<Row[]> {
    return orUnavailable(async () => rowsOf<Row>(await this.#pool.query({ ...one, values: [...values] })))
  }

  /** Statements without values, several at once. */
  async script(sql: string): Promise<void> {
    await orUnavailable(async () => this.#pool.query(sql))
  }

  /** A statement that may take its time and is no part of a transaction, on a connection of its own. */
  async maintain(sql: string): Promise<void> {
    await orUnavailable(async () => {
      const client = new Client({
        ...connectionSettings(this.#options),
        statement_timeout: 0,
        query_timeout: 0,
      })
      client.on('error', () => undefined)
      await client.connect()
      try {
        await client.query(sql)
      } finally {
        await client.end()
      }
    })
  }

  /**
   * All of the work or nothing, durable when it settles. It runs anew, a few times at most, when another transaction was
   * in its way, or the connection was found broken before anything was done (the server was started again). When the connection breaks at the very end it may have happened nevertheless: whoever asked repeats, and
   * every method of the store takes a repetition.
   */
  async atomically<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work)
      } catch (thrown) {
        const again = thrown instanceof NotBegun || conflicts.has(engineCode(thrown))
        if (attempt === attempts || !again) throw thrown instanceof NotBegun ? thrown.cause : thrown
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await orUnavailable(async () => this.#pool.connect())
    const tx = new Transaction(client)
    try {
      const result = await work(tx)
      await tx.commit()
      client.release()
      return result
    } catch (thrown) {
      await giveBack(client)
      throw tx.begun ? thrown : new NotBegun(thrown)
    }
  }
}

/** Nothing was done; why lies in `cause`. */
class NotBegun extends Error {
  constructor(cause: unknown) {
    super('not begun', { cause })
  }
}

async function giveBack(client: PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch {
    client.release(true)
  }
}

const begin = statement('BEGIN')
const commit = statement('COMMIT')

/**
 * One transaction. Statements are sent at once and answered in order, so that whoever asks several together
 * (`Promise.all`) waits for one round trip.
 */
export class Transaction {
  readonly #client: PoolClient
  #failure: unknown = null
  #ending: Promise<void> | null = null

  /** False once it is known that the very first statement failed. */
  begun = true

  constructor(client: PoolClient) {
    this.#client = client
    this.#query(begin, []).catch(() => {
      this.begun = false
    })
  }

  async rows<Row>(one: Statement<Row>, ...values: readonly SqlValue[]): Promise<Row[]> {
    return rowsOf<Row>(await this.#query(one, values))
  }

  /** Sends a statement whose rows nobody needs; should it fail, so does the commit. */
  send(one: Statement<unknown>, ...values: readonly SqlValue[]): void {
    this.#query(one, values).catch(() => undefined)
  }

  /** Statements without values, several at once; should one fail, so does the commit. */
  script(sql: string): void {
    this.#client.query(sql).catch((thrown: unknown) => {
      this.#failure ??= unavailable(thrown)
    })
  }

  /** The work may send it together with its last statement; it is sent once. */
  async commit(): Promise<void> {
    this.#ending ??= this.#commit()
    await this.#ending
  }

  async #commit(): Promise<void> {
    const { command } = await this.#query(commit, [])
    // The server answers the commit of a failed transaction with a rollback, not with an error.
    if (this.#failure !== null) throw this.#failure
    if (command !== 'COMMIT') throw new CodedError('relay.unavailable')
  }

  async #query(one: Statement<unknown>, values: readonly SqlValue[]): Promise<QueryResult> {
    try {
      return await this.#client.query({ name: one.name, text: one.text, values: [...values] })
    } catch (thrown) {
      // What follows a failed statement fails too; the first failure is the one that says why.
      this.#failure ??= unavailable(thrown)
      throw this.#failure
    }
  }
}

function rowsOf<Row>(result: QueryResult): Row[] {
  return result.rows
}

/** The server's own code stays in `cause` for the log. */
async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw unavailable(thrown)
  }
}

function unavailable(thrown: unknown): CodedError {
  return thrown instanceof CodedError ? thrown : new CodedError('relay.unavailable', {}, { cause: thrown })
}
