import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { CodedError, type Result } from '../../base/errors.ts'
import type {
  CallInput,
  CallOutput,
  ConversationView,
  Delta,
  EngineCallName,
  MessageView,
} from '../../contract/index.ts'
import { defaultPolicy } from '../../policy/index.ts'
import type { Row } from '../../storage/binding.ts'
import { openVault } from '../../storage/open.ts'
import { openSlots } from '../../storage/slots/index.ts'
import type { Vault } from '../../storage/vault.ts'
import type { CrashPoint } from '../crashPoints.ts'
import { Engine } from '../engine.ts'
import { comingDeviceId } from '../sending/posting.ts'
import { profileFiles } from '../profile/profileFiles.ts'
import { memoryKeyStore } from '../testing/workstation.ts'
import { folders } from './folders.ts'
import { Wire } from './wire.ts'

interface JobRow extends Row {
  readonly lane: string
  readonly kind: string
  readonly attempts: number
}

interface QuarantineRow extends Row {
  readonly reason: string
  readonly account_id: string | null
  readonly device_id: number | null
}

/**
 * One device: a real engine behind a wire of its own. A kill takes the profile's files as they are at that moment, without
 * closing anything, and cuts the wire: what the old engine still does goes to a folder that nobody looks at again, and to
 * nobody's ears.
 */
export class Station {
  readonly name: string
  readonly wire: Wire
  /** Taken off its account, or about to be: nothing is expected of it any more. */
  ended = false
  /** How many texts it has sent. */
  sent = 0
  online = false
  /** Taken off its account: when its key was replaced it could not be handed the new one. */
  isGone = false
  phase = 'starting'
  readonly #clock: Clock
  readonly #keyStore = memoryKeyStore()
  #folder = mkdtempSync(join(folders, 'valise-model-'))
  #engine: Engine | null = null
  #armed: { readonly point: CrashPoint; left: number } | null = null
  /** The end of engines that were killed. */
  #buried: Promise<void> = Promise.resolve()
  #vault: Vault | null = null

  private constructor(name: string, wire: Wire, clock: Clock) {
    this.name = name
    this.wire = wire
    this.#clock = clock
  }

  static async make(name: string, relay: string, clock: Clock): Promise<Station> {
    return new Station(name, await Wire.open(relay), clock)
  }

  get up(): boolean {
    return this.#engine !== null
  }

  /** It reaches the relay, as far as it depends on this device. */
  get free(): boolean {
    return this.up && !this.ended && this.wire.admits
  }

  async start(): Promise<void> {
    await this.#buried
    if (this.up) return
    const options = {
      profile: this.#folder,
      policy: defaultPolicy(),
      policyFindings: [],
      version: '0.0.0',
      locale: 'fr',
      deviceName: this.name,
    } as const
    const engine = new Engine(options, this.#keyStore, this.#clock, (point) => this.#reached(engine, point))
    engine.onDelta((delta) => {
      if (this.#engine === engine) this.#follow(delta)
    })
    this.#engine = engine
    this.wire.admit()
    await engine.start()
  }

  /** From its next reaching of the point on, `times` later. */
  killAt(point: CrashPoint, times: number): void {
    this.#armed = { point, left: times }
  }

  calm(): void {
    this.#armed = null
    this.wire.calm()
  }

  kill(): void {
    const engine = this.#engine
    if (engine === null) return
    this.wire.refuse()
    const old = this.#leave()
    const next = mkdtempSync(join(folders, 'valise-model-'))
    // The index of the write-ahead log is the processes' shared memory: it is made anew from the log.
    cpSync(old, next, { recursive: true, filter: (path) => !path.endsWith('-shm') })
    this.#folder = next
    this.#bury(engine, old)
  }

  async stop(): Promise<void> {
    const engine = this.#engine
    if (engine === null) return
    this.#leave()
    await engine.stop()
  }

  /** For good: nothing is kept. */
  async end(): Promise<void> {
    this.wire.refuse()
    const engine = this.#engine
    const folder = this.#leave()
    if (engine !== null) this.#bury(engine, folder)
    await this.#buried
    this.wire.end()
    rmSync(folder, { recursive: true, force: true })
  }

  /** Null when it was refused, or there is nobody to ask; codes that are no answer to a right question are thrown. */
  async ask<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<CallOutput<N> | null> {
    const result = await this.attempt(name, input)
    return result?.ok === true ? result.value : null
  }

  async attempt<N extends EngineCallName>(
    name: N,
    input: CallInput<N>,
  ): Promise<Result<CallOutput<N>> | null> {
    const engine = this.#engine
    if (engine === null) return null
    const result = await engine.call(name, input)
    // A killed engine's word counts for nothing, except that what it did before is done.
    if (!result.ok && result.error.code === 'internal' && this.#engine === engine) {
      throw new CodedError('internal', { call: name, station: this.name })
    }
    return result
  }

  /** In words. */
  async connection(): Promise<string> {
    const snapshot = await this.ask('state.snapshot', {})
    if (snapshot?.state.phase !== 'ready') return 'not online'
    const { state, error } = snapshot.state.connection
    return error === null ? state : `${state} after ${error.code}`
  }

  async conversations(): Promise<readonly ConversationView[]> {
    const snapshot = await this.ask('state.snapshot', {})
    return snapshot?.state.phase === 'ready' ? snapshot.state.conversations : []
  }

  async thread(conversationId: string): Promise<readonly MessageView[]> {
    const all: (readonly MessageView[])[] = []
    let before: number | null = null
    for (;;) {
      const page: CallOutput<'conversation.messages'> | null = await this.ask('conversation.messages', {
        conversationId,
        before,
        limit: 100,
      })
      if (page === null) return []
      all.unshift(page.messages)
      const first: MessageView | undefined = page.messages[0]
      if (!page.more || first === undefined) return all.flat()
      before = first.position
    }
  }

  /**
   * What still waits in the outbox, job by job, in words. But for what is kept for a device that was let in and has not
   * come: that waits as long as the link may last.
   */
  async outbox(): Promise<readonly string[]> {
    const { sql } = await this.#look()
    const coming = comingDeviceId(sql)
    return sql
      .all<JobRow>('SELECT lane, kind, attempts, next_attempt_at FROM outbox ORDER BY job_id')
      .filter(({ lane }) => coming === null || !lane.endsWith(`/${coming}`))
      .map((row) => `${row.kind} to ${row.lane} after ${row.attempts} attempts`)
  }

  /** Why envelopes lie in quarantine, in words. */
  async quarantine(): Promise<readonly string[]> {
    const { sql } = await this.#look()
    return sql
      .all<QuarantineRow>('SELECT reason, account_id, device_id FROM quarantine ORDER BY id')
      .map((row) => `${row.reason} from ${row.account_id}.${row.device_id}`)
  }

  /** The vault, read beside the engine. */
  async #look(): Promise<Vault> {
    if (this.#vault !== null) return this.#vault
    const files = profileFiles(this.#folder)
    const opener = { kind: 'osKeyStore', keyStore: this.#keyStore } as const
    const vault = openVault(files.vault, await openSlots(files.slots, opener, this.#clock))
    this.#vault = vault
    return vault
  }

  #reached(engine: Engine, point: CrashPoint): void {
    const armed = this.#armed
    if (this.#engine !== engine || armed?.point !== point) return
    armed.left -= 1
    if (armed.left <= 0) this.kill()
  }

  #leave(): string {
    this.#vault?.close()
    this.#vault = null
    this.#engine = null
    this.#armed = null
    this.online = false
    this.phase = 'down'
    return this.#folder
  }

  /** Its sockets are cut; ending it only keeps timers and files from piling up in this process. */
  #bury(engine: Engine, folder: string): void {
    const before = this.#buried
    this.#buried = before
      .then(async () => engine.stop())
      .then(() => rmSync(folder, { recursive: true, force: true }))
  }

  #follow({ change }: Delta): void {
    if (change.kind === 'state') {
      this.phase = change.state.phase
      this.online = change.state.phase === 'ready' && change.state.connection.state === 'online'
    }
    if (change.kind !== 'connection') return
    this.online = change.connection.state === 'online'
    this.isGone = change.connection.error?.code === 'relay.deviceGone'
  }
}
