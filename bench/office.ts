import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createRelay, type RelayProcess } from '../e2e/support/relay.ts'
import { systemClock } from '../src/base/clock.ts'
import { CodedError } from '../src/base/errors.ts'
import type {
  CallInput,
  CallOutput,
  Delta,
  EngineCallName,
  MessageView,
  ReadyState,
} from '../src/contract/index.ts'
import { Engine, type OsKeyStore } from '../src/engine/index.ts'
import { defaultPolicy } from '../src/policy/index.ts'

/** A real relay in a process of its own, and real engines in this one. */
export class Office {
  readonly relay: RelayProcess
  readonly #folder: string
  readonly #desks: Desk[] = []

  private constructor(relay: RelayProcess, folder: string) {
    this.relay = relay
    this.#folder = folder
  }

  static async open(): Promise<Office> {
    const folder = mkdtempSync(join(tmpdir(), 'valise-bench-'))
    const relay = await createRelay(join(folder, 'relay'), 'Mesures')
    await relay.start()
    return new Office(relay, folder)
  }

  async enrolled(name: string): Promise<Desk> {
    const desk = new Desk(join(this.#folder, name))
    this.#desks.push(desk)
    await desk.start()
    const invitation = await this.relay.invite({ name })
    await desk.ask('enrolment.complete', {
      invitation,
      deviceName: name,
      protection: { kind: 'osKeyStore' },
    })
    return desk
  }

  async close(): Promise<void> {
    for (const desk of this.#desks) await desk.stop()
    await this.relay.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** One engine on a profile; it can be stopped and started again. */
export class Desk {
  readonly #profile: string
  readonly #keyStore = memoryKeyStore()
  readonly #listeners = new Set<(messages: readonly MessageView[]) => void>()
  #engine: Engine | null = null
  #settled: () => void = () => undefined

  constructor(profile: string) {
    this.#profile = profile
  }

  /** Settles when the vault is open; the connection comes later. */
  async start(): Promise<void> {
    const options = {
      profile: this.#profile,
      policy: defaultPolicy(),
      policyFindings: [],
      version: '0.0.0',
      locale: 'fr',
      deviceName: 'POSTE-1',
    } as const
    this.#engine = new Engine(options, this.#keyStore, systemClock, (point) => {
      if (point === 'send.settled') this.#settled()
    })
    this.#engine.onDelta((delta) => this.#take(delta))
    await this.#engine.start()
  }

  async stop(): Promise<void> {
    await this.#engine?.stop()
    this.#engine = null
  }

  async ask<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    if (this.#engine === null) throw new Error('the engine is stopped')
    const result = await this.#engine.call(name, input)
    if (result.ok) return result.value
    throw new CodedError(result.error.code, result.error.details)
  }

  async accountId(): Promise<string> {
    return (await this.#state()).account.person.accountId
  }

  async online(): Promise<void> {
    while ((await this.#state()).connection.state !== 'online') await setTimeout(10)
  }

  async #state(): Promise<ReadyState> {
    const { state } = await this.ask('state.snapshot', {})
    if (state.phase !== 'ready') throw new Error(state.phase)
    return state
  }

  /** The conversation with another desk, open on this side. */
  async openedWith(other: Desk): Promise<string> {
    const accountId = await other.accountId()
    await this.online()
    return (await this.ask('conversation.open', { accountId })).conversationId
  }

  /** Settles when the relay has so many new messages, sent one as soon as the other is durable, and the window was told. */
  async send(conversationId: string, text: string, count = 1): Promise<void> {
    const ids = Array.from({ length: count }, () => randomBytes(16).toString('hex'))
    const sent = new Set(ids)
    const left = this.shown(count, (message) => sent.has(message.messageId) && hasLeft(message))
    for (const messageId of ids) await this.ask('message.send', { conversationId, messageId, text })
    await left
  }

  /** Settles when what the relay has acknowledged next is written down as sent; the window is told a moment later. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled = resolve
    })
  }

  /** Settles when so many different messages that are wanted have been shown, from now on. */
  shown(count: number, wanted: (message: MessageView) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const seen = new Set<string>()
      const look = (messages: readonly MessageView[]): void => {
        for (const message of messages) if (wanted(message)) seen.add(message.messageId)
        if (seen.size < count) return
        this.#listeners.delete(look)
        resolve()
      }
      this.#listeners.add(look)
    })
  }

  #take({ change }: Delta): void {
    if (change.kind !== 'messages') return
    for (const listener of this.#listeners) listener(change.messages)
  }
}

/** Holds what a login session would. */
function memoryKeyStore(): OsKeyStore {
  const secrets = new Map<string, Uint8Array>()
  return {
    available: () => Promise.resolve(true),
    wrap(secret) {
      const handle = randomBytes(16)
      secrets.set(handle.toString('hex'), new Uint8Array(secret))
      return Promise.resolve(handle)
    },
    unwrap(wrapped) {
      const secret = secrets.get(Buffer.from(wrapped).toString('hex'))
      if (secret === undefined) return Promise.reject(new CodedError('vault.keyStoreRefused'))
      return Promise.resolve(new Uint8Array(secret))
    },
  }
}

/** Whether the relay has a message of one's own. */
function hasLeft({ own, delivery }: MessageView): boolean {
  return own && delivery !== 'queued' && delivery !== 'sending' && delivery !== 'failed'
}
