import { randomInt } from 'node:crypto'
import { Client } from 'pg'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import type { RelayLog } from '../log.ts'
import { connectionSettings, type Database, type DatabaseOptions } from '../store/postgres/database.ts'
import { list, statement } from '../store/postgres/statement.ts'
import type { PutTarget } from '../store/store.ts'
import { formatMessage, parseMessage, payloadBytesMax, type PeerMessage } from './messages.ts'
import type { Arrival, HeldDevice, PeerEvents, Peers } from './peers.ts'

export interface PostgresPeersDeps {
  readonly db: Database
  readonly options: DatabaseOptions
  readonly log: RelayLog
  /** Between two looks into the store, in milliseconds. */
  readonly everyMs: number
  /** A connection of another process has so long to show that it lives. */
  readonly holderProbeMs: number
}

const channel = 'valise_relay'
/** Each process holds an advisory lock of this class under its own number for as long as it lives. */
export const processClass = 7_625_309
/** At most one group of hints in so many milliseconds: NOTIFY takes a lock of the whole database. */
const coalesceMs = 2
const reconnectMs = 500
/** For the way there and back. */
const answerMs = 1_000
const heldAtOnce = 2_000
const devicesAtOnce = 500

interface PlaceRow {
  readonly former_process: number | null
}

interface HeldRow {
  readonly device: number
  readonly frozen: boolean
  readonly last_id: number
  readonly envelopes: number
  readonly process: number | null
  readonly holder: Uint8Array | null
}

const takePlace = statement<PlaceRow>(
  `INSERT INTO presence (device, process, holder) SELECT id, $2, $3 FROM devices WHERE id = $1
   ON CONFLICT (device) DO UPDATE SET former_process = presence.process, process = excluded.process,
                                      holder = excluded.holder
   RETURNING former_process`,
)
const leave = statement('DELETE FROM presence WHERE device = $1 AND process = $2')
const leaveAll = statement('DELETE FROM presence WHERE process = $1')
const isAlive = statement(
  `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = ${processClass} AND objid = $1::bigint::oid AND objsubid = 2
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
)
const readHeld = statement<HeldRow>(
  `SELECT d.id AS device, d.frozen, m.last_id, m.envelopes, p.process, p.holder
   FROM devices d JOIN mailboxes m ON m.device = d.id LEFT JOIN presence p ON p.device = d.id
   WHERE d.id = ANY ($1::bigint[])`,
)

/**
 * Hints by NOTIFY on a connection of its own, never within a transaction that stores (it would let one commit at a time),
 * and a look into the store every few seconds for those that were lost.
 */
export class PostgresPeers implements Peers {
  readonly #deps: PostgresPeersDeps
  readonly #process = randomInt(1, 2 ** 31 - 1)
  readonly #asked = new Map<number, (answer: Arrival | 'failed') => void>()
  #events: PeerEvents | null = null
  #client: Client | null = null
  #stored = new Set<number>()
  #flushing: NodeJS.Timeout | null = null
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(deps: PostgresPeersDeps) {
    this.#deps = deps
  }

  async start(events: PeerEvents): Promise<void> {
    this.#events = events
    try {
      await this.#connect()
    } catch (thrown) {
      throw new CodedError('relay.unavailable', {}, { cause: thrown })
    }
    this.#wait()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#flushing !== null) clearTimeout(this.#flushing)
    await this.#looking
    try {
      await this.#deps.db.rows(leaveAll, this.#process)
      await this.#client?.end()
    } catch {
      // Whoever finds the place of a process that is gone takes it.
    }
  }

  stored(devices: Iterable<number>): void {
    for (const device of devices) this.#stored.add(device)
    if (this.#stored.size === 0 || this.#flushing !== null) return
    this.#flushing = setTimeout(() => {
      this.#flushing = null
      const all = [...this.#stored]
      this.#stored = new Set()
      for (let at = 0; at < all.length; at += devicesAtOnce) {
        this.#send({ kind: 'stored', from: this.#process, devices: all.slice(at, at + devicesAtOnce) })
      }
    }, coalesceMs)
  }

  ephemeral(targets: readonly PutTarget[]): void {
    for (const { device, envelope } of targets) {
      const { deviceId, registrationId } = envelope
      const [messageId, body] = [copyBytes(envelope.messageId), copyBytes(envelope.body)]
      const from = this.#process
      this.#send({ kind: 'ephemeral', from, device, deviceId, registrationId, messageId, body })
    }
  }

  async arrive(device: number, holder: Bytes): Promise<Arrival> {
    const [place] = await this.#deps.db.rows(takePlace, device, this.#process, holder)
    const former = place?.former_process ?? null
    if (former === null || former === this.#process || !(await this.#isAlive(former))) return 'free'
    const answer = await this.#ask(former, device, holder)
    if (answer === 'failed') throw new CodedError('relay.unavailable')
    return answer
  }

  left(device: number): void {
    this.#deps.db.rows(leave, device, this.#process).catch(() => undefined)
  }

  async #isAlive(process: number): Promise<boolean> {
    return (await this.#deps.db.rows(isAlive, process)).length > 0
  }

  /** No answer counts as a free place: should the device be connected there after all, the next look finds both. */
  async #ask(to: number, device: number, holder: Bytes): Promise<Arrival | 'failed'> {
    const ask = randomInt(2 ** 47)
    const answer = new Promise<Arrival | 'failed'>((resolve) => {
      const late = setTimeout(() => resolve('free'), this.#deps.holderProbeMs + answerMs)
      this.#asked.set(ask, (given) => {
        clearTimeout(late)
        resolve(given)
      })
    })
    this.#send({ kind: 'arrived', from: this.#process, to, ask, device, holder })
    const given = await answer
    this.#asked.delete(ask)
    return given
  }

  /** Never throws. What is too long for the channel, and what cannot be sent just now, is lost. */
  #send(message: PeerMessage): void {
    const payload = formatMessage(message)
    if (this.#client === null || payload.length > payloadBytesMax) return
    this.#client.query('SELECT pg_notify($1, $2)', [channel, payload]).catch(() => undefined)
  }

  async #connect(): Promise<void> {
    const client = new Client({
      ...connectionSettings(this.#deps.options),
      // It holds no transaction, and one hint that waits must not end it.
      statement_timeout: 0,
      query_timeout: 0,
      pipeline: true,
    })
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    client.on('notification', ({ payload }) => this.#take(parseMessage(payload)))
    await client.connect()
    await client.query('SET synchronous_commit = off')
    await client.query(`SELECT pg_advisory_lock_shared(${processClass}, 0)`)
    await client.query('SELECT pg_advisory_lock($1, $2)', [processClass, this.#process])
    await client.query(`LISTEN ${channel}`)
    this.#client = client
  }

  #lost(client: Client): void {
    if (this.#client !== client) return
    this.#client = null
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    while (!this.#stopped && this.#client === null) {
      await new Promise((resolve) => setTimeout(resolve, reconnectMs).unref())
      try {
        if (!this.#stopped) await this.#connect()
      } catch (thrown) {
        this.#deps.log.error('peers not reached', { error: reportOf(thrown).code })
      }
    }
    // What was said meanwhile was said to nobody here.
    await this.#look()
  }

  #take(message: PeerMessage | null): void {
    const events = this.#events
    if (message === null || events === null || message.from === this.#process) return
    if ('to' in message && message.to !== this.#process) return
    switch (message.kind) {
      case 'stored':
        return events.wake(message.devices)
      case 'ephemeral': {
        const { device, ...envelope } = message
        return events.passOn([{ device, envelope }])
      }
      case 'arrived':
        return void this.#answer(events, message)
      case 'answer':
        return this.#asked.get(message.ask)?.(message.answer)
      default:
        return exhausted(message)
    }
  }

  async #answer(events: PeerEvents, message: Extract<PeerMessage, { kind: 'arrived' }>): Promise<void> {
    const { ask, from: to, device, holder } = message
    const answer = await events.elsewhere(device, holder).catch(() => 'failed' as const)
    this.#send({ kind: 'answer', from: this.#process, to, ask, answer })
  }

  #wait(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => this.#wait())
    }, this.#deps.everyMs).unref()
  }

  /** Never throws: while the store is away nothing is delivered either, and the next look comes. */
  async #look(): Promise<void> {
    const events = this.#events
    if (events === null) return
    const held = events.held()
    try {
      for (let at = 0; at < held.length && !this.#stopped; at += heldAtOnce) {
        await this.#compare(events, held.slice(at, at + heldAtOnce))
      }
    } catch (thrown) {
      this.#deps.log.error('peers not reached', { error: reportOf(thrown).code })
    }
  }

  async #compare(events: PeerEvents, held: readonly HeldDevice[]): Promise<void> {
    const rows = await this.#deps.db.rows(readHeld, list(held.map(({ device }) => device)))
    const byDevice = new Map(rows.map((row) => [row.device, row]))
    for (const { device, holder, last } of held) {
      const row = byDevice.get(device)
      if (row === undefined) continue
      if (row.frozen) events.frozen(device)
      else if (row.process === null) await this.#deps.db.rows(takePlace, device, this.#process, holder)
      else if (row.process !== this.#process && row.holder !== null) {
        events.elsewhere(device, copyBytes(row.holder)).catch(() => undefined)
      }
      // A queue's newest id stays when all of it was read: nothing is looked for where nothing waits.
      if (row.envelopes > 0 && row.last_id > last) events.wake([device])
    }
  }
}
