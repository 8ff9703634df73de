import { randomInt } from 'node:crypto'
import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import type { RelayLog } from '../log.ts'
import { Deadline } from '../socket/deadline.ts'
import type { Database, DatabaseOptions } from '../store/postgres/database.ts'
import { list, statement } from '../store/postgres/statement.ts'
import type { PutTarget } from '../store/store.ts'
import { ephemeralMessages, type PeerMessage } from './messages.ts'
import { PeerChannel, processClass } from './peerChannel.ts'
import type { Arrival, HeldDevice, PeerEvents, Peers } from './peers.ts'

export interface PostgresPeersDeps {
  readonly db: Database
  readonly options: DatabaseOptions
  readonly log: RelayLog
  /** Between two looks into the store, in milliseconds. */
  readonly everyMs: number
  /** A connection of another process has so long to show that it lives. */
  readonly holderProbeMs: number
  /** A server that does not answer for so long, in milliseconds, is reached by another connection. Left out: 10 s. */
  readonly answerMs?: number
}

/** At most one group of hints in so many milliseconds: NOTIFY takes a lock of the whole database. */
const coalesceMs = 2
const reconnectMs = 500
/** For the way there and back. */
const wayMs = 1_000
const usualAnswerMs = 10_000
const heldAtOnce = 2_000
const devicesAtOnce = 500
/** So many envelopes that are not kept may wait to be passed on; more of them are lost. */
const ephemeralMax = 1_000

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
const leave = statement('DELETE FROM presence WHERE device = $1 AND process = ANY ($2::bigint[])')
const leaveAll = statement('DELETE FROM presence WHERE process = ANY ($1::bigint[])')
const renumber = statement('UPDATE presence SET process = $1 WHERE process = ANY ($2::bigint[])')
const readConnected = statement<{ readonly device: number }>(
  'SELECT device FROM presence WHERE device = ANY ($1::bigint[])',
)
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
  /** The numbers under which this process was and is known. */
  readonly #own = new Set<number>()
  readonly #asked = new Map<number, (answer: Arrival | 'failed') => void>()
  #events: PeerEvents | null = null
  #channel: PeerChannel | null = null
  #process = 0
  #stored = new Set<number>()
  #ephemeral: PutTarget[] = []
  #passing = false
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
      await this.#deps.db.rows(leaveAll, list(this.#own))
    } catch {
      // Whoever finds the place of a process that is gone takes it.
    }
    await this.#channel?.end()
  }

  stored(devices: Iterable<number>): void {
    for (const device of devices) this.#stored.add(device)
    if (this.#stored.size > 0) this.#arm()
  }

  ephemeral(targets: readonly PutTarget[]): void {
    const room = ephemeralMax - this.#ephemeral.length
    this.#ephemeral.push(...targets.slice(0, room))
    if (this.#ephemeral.length > 0) this.#arm()
  }

  #arm(): void {
    this.#flushing ??= setTimeout(() => {
      this.#flushing = null
      this.#flush()
    }, coalesceMs)
  }

  #flush(): void {
    if (this.#channel?.crowded === true) return this.#arm()
    const all = [...this.#stored]
    this.#stored = new Set()
    for (let at = 0; at < all.length; at += devicesAtOnce) {
      this.#send({ kind: 'stored', from: this.#process, devices: all.slice(at, at + devicesAtOnce) })
    }
    void this.#passOn()
  }

  /** To devices that are connected somewhere. One question at a time; what comes meanwhile waits. Never throws. */
  async #passOn(): Promise<void> {
    if (this.#passing || this.#ephemeral.length === 0) return
    this.#passing = true
    const targets = this.#ephemeral
    this.#ephemeral = []
    try {
      const rows = await this.#deps.db.rows(readConnected, list(new Set(targets.map(({ device }) => device))))
      const connected = new Set(rows.map(({ device }) => device))
      const there = targets.filter(({ device }) => connected.has(device))
      for (const message of ephemeralMessages(this.#process, there)) this.#send(message)
    } catch {
      // It is lost, as what is not kept may be.
    }
    this.#passing = false
    if (this.#ephemeral.length > 0 && !this.#stopped) this.#arm()
  }

  async arrive(device: number, holder: Bytes): Promise<Arrival> {
    const [place] = await this.#deps.db.rows(takePlace, device, this.#process, holder)
    const former = place?.former_process ?? null
    if (former === null || this.#own.has(former) || !(await this.#isAlive(former))) return 'free'
    const answer = await this.#ask(former, device, holder)
    if (answer === 'failed') throw new CodedError('relay.unavailable')
    return answer
  }

  left(device: number): void {
    this.#deps.db.rows(leave, device, list(this.#own)).catch(() => undefined)
  }

  async #isAlive(process: number): Promise<boolean> {
    return (await this.#deps.db.rows(isAlive, process)).length > 0
  }

  /** No answer counts as a free place: should the device be connected there after all, the next look finds both. */
  async #ask(to: number, device: number, holder: Bytes): Promise<Arrival | 'failed'> {
    const ask = randomInt(2 ** 47)
    const answer = new Promise<Arrival | 'failed'>((resolve) => {
      const late = new Deadline(
        this.#deps.holderProbeMs + wayMs,
        () => false,
        () => resolve('free'),
      )
      this.#asked.set(ask, (given) => {
        late.end()
        resolve(given)
      })
    })
    this.#send({ kind: 'arrived', from: this.#process, to, ask, device, holder })
    const given = await answer
    this.#asked.delete(ask)
    return given
  }

  #send(message: PeerMessage): void {
    this.#channel?.send(message)
  }

  async #connect(): Promise<void> {
    const channel = await PeerChannel.open(
      this.#deps.options,
      this.#deps.answerMs ?? usualAnswerMs,
      (message) => this.#take(message),
      () => this.#lost(channel),
    )
    const { process } = channel
    try {
      await this.#deps.db.rows(renumber, process, list(this.#own))
    } catch (thrown) {
      void channel.end()
      throw thrown
    }
    this.#own.add(process)
    this.#process = process
    this.#channel = channel
  }

  #lost(channel: PeerChannel): void {
    if (this.#stopped || this.#channel !== channel) return
    this.#channel = null
    void channel.end()
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    while (!this.#stopped && this.#channel === null) {
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
    if (message === null || events === null || this.#own.has(message.from)) return
    if ('to' in message && !this.#own.has(message.to)) return
    switch (message.kind) {
      case 'stored':
        return events.wake(message.devices)
      case 'ephemeral':
        return events.passOn(message.targets)
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
    this.#channel?.probe()
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
      else if (row.process === null || this.#isFormer(row.process))
        await this.#deps.db.rows(takePlace, device, this.#process, holder)
      else if (row.process !== this.#process && row.holder !== null) {
        events.elsewhere(device, copyBytes(row.holder)).catch(() => undefined)
      }
      // A queue's newest id stays when all of it was read: nothing is looked for where nothing waits.
      if (row.envelopes > 0 && row.last_id > last) events.wake([device])
    }
  }

  /** A place that was taken while this process got another number. */
  #isFormer(process: number): boolean {
    return process !== this.#process && this.#own.has(process)
  }
}
