import { randomInt } from 'node:crypto'
import { Client } from 'pg'
import { connectionSettings, type DatabaseOptions } from '../store/postgres/database.ts'
import { formatMessage, parseMessage, payloadBytesMax, type PeerMessage } from './messages.ts'

const channel = 'valise_relay'
/** Each process holds an advisory lock of this class under its own number for as long as it is connected. */
export const processClass = 7_625_309
const keepAliveMs = 5_000
/** With so many hints on their way to the server, further ones wait, or are lost. */
const crowdedBy = 256

/**
 * The connection on which a process is heard and hears the others. Its number is a new one each time it connects: the
 * server may still have the session, and with it the lock, of a connection that broke without a word.
 */
export class PeerChannel {
  readonly process: number
  readonly #client: Client
  #underWay = 0

  private constructor(client: Client, process: number) {
    this.#client = client
    this.process = process
  }

  /** `answerMs`: the server answers so soon, or the connection is given up. `lost` is called when the connection has broken, perhaps twice, but not when it could not be made. Throws what `pg` throws. */
  static async open(
    options: DatabaseOptions,
    answerMs: number,
    take: (message: PeerMessage | null) => void,
    lost: () => void,
  ): Promise<PeerChannel> {
    const client = new Client({
      ...connectionSettings(options),
      // It holds no transaction; what says nothing any more is given up.
      statement_timeout: 0,
      query_timeout: answerMs,
      keepAliveInitialDelayMillis: keepAliveMs,
      pipeline: true,
    })
    client.on('error', () => undefined)
    client.on('notification', ({ payload }) => take(parseMessage(payload)))
    const process = randomInt(1, 2 ** 31 - 1)
    try {
      await client.connect()
      await client.query('SET synchronous_commit = off')
      await client.query(`SELECT pg_advisory_lock_shared(${processClass}, 0)`)
      await client.query('SELECT pg_advisory_lock($1, $2)', [processClass, process])
      await client.query(`LISTEN ${channel}`)
    } catch (thrown) {
      client.end().catch(() => undefined)
      throw thrown
    }
    for (const event of ['error', 'end']) client.once(event, lost)
    return new PeerChannel(client, process)
  }

  get crowded(): boolean {
    return this.#underWay >= crowdedBy
  }

  /** Never throws. What is too long for the channel, and what cannot be sent just now, is lost. */
  send(message: PeerMessage): void {
    const payload = formatMessage(message)
    if (payload.length > payloadBytesMax) return
    this.#underWay += 1
    this.#client
      .query('SELECT pg_notify($1, $2)', [channel, payload])
      .catch(() => undefined)
      .finally(() => (this.#underWay -= 1))
  }

  /** A connection on which the server does not answer any more breaks: `pg` ends one with pipelining whose answer is late. */
  probe(): void {
    this.#client.query('SELECT 1').catch(() => undefined)
  }

  /** Never throws. */
  async end(): Promise<void> {
    // Where nothing answers any more the end would never come either.
    this.probe()
    await this.#client.end().catch(() => undefined)
  }
}
