import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../base/clock.ts'
import { CodedError, type ErrorCode, type Result } from '../../base/errors.ts'
import {
  declares,
  type CallInput,
  type CallOutput,
  type Delta,
  type EngineCallName,
  type MessageView,
  type ReadyState,
  type Snapshot,
} from '../../contract/index.ts'
import { defaultPolicy } from '../../policy/index.ts'
import { openVault } from '../../storage/open.ts'
import { readJournalRows } from '../../storage/repositories/journal.ts'
import { openSlots } from '../../storage/slots/index.ts'
import type { Vault } from '../../storage/vault.ts'
import { Engine } from '../engine.ts'
import type { EngineHost, EngineOptions, OsKeyStore } from '../host.ts'
import { profileFiles } from '../profile/profileFiles.ts'

/** For tests: a key store that holds what a login session would. */
export function memoryKeyStore(): OsKeyStore & { present: boolean } {
  const secrets = new Map<string, Uint8Array>()
  return {
    present: true,
    async available() {
      return this.present
    },
    async wrap(secret) {
      const handle = randomBytes(16)
      secrets.set(handle.toString('hex'), new Uint8Array(secret))
      return handle
    },
    async unwrap(wrapped) {
      const secret = secrets.get(Buffer.from(wrapped).toString('hex'))
      if (secret === undefined) throw new CodedError('vault.keyStoreRefused')
      return new Uint8Array(secret)
    },
  }
}

/** How a workstation's engine is run; `exited` settles when its process has ended, where it has one. */
export type MakeHost = (
  options: EngineOptions,
  keyStore: OsKeyStore,
  clock: Clock,
) => { readonly host: EngineHost; start(): Promise<void>; readonly exited: Promise<void> }

export const inThisProcess: MakeHost = (options, keyStore, clock) => {
  const host = new Engine(options, keyStore, clock)
  return { host, start: () => host.start(), exited: new Promise(() => undefined) }
}

/** A real engine on a folder of its own, driven by calls as the window drives it. */
export class Workstation {
  readonly folder: string
  readonly keyStore = memoryKeyStore()
  readonly deltas: Delta[] = []
  readonly #clock: Clock
  readonly #options: Partial<EngineOptions>
  /** How the engine is run from its next start on. */
  makeHost: MakeHost = inThisProcess
  #running: ReturnType<MakeHost>

  constructor(options: Partial<EngineOptions> = {}, clock: Clock = systemClock) {
    this.folder = options.profile ?? mkdtempSync(join(tmpdir(), 'valise-workstation-'))
    this.#clock = clock
    this.#options = options
    this.#running = this.#newEngine()
  }

  get engine(): EngineHost {
    return this.#running.host
  }

  /** Settles when the engine's process has ended. */
  get exited(): Promise<void> {
    return this.#running.exited
  }

  #newEngine(): ReturnType<MakeHost> {
    const options: EngineOptions = {
      profile: this.folder,
      policy: defaultPolicy(),
      policyFindings: [],
      version: '0.0.0',
      locale: 'fr',
      deviceName: 'POSTE-1',
      ...this.#options,
    }
    const made = this.makeHost(options, this.keyStore, this.#clock)
    made.host.onDelta((delta) => this.deltas.push(delta))
    return made
  }

  async start(): Promise<this> {
    await this.#running.start()
    return this
  }

  async restart(): Promise<void> {
    await this.engine.stop()
    this.#running = this.#newEngine()
    await this.#running.start()
  }

  /** Looks into the vault, or changes it, while the engine is stopped; then starts it again. */
  async inVault<T>(work: (vault: Vault) => T): Promise<T> {
    await this.engine.stop()
    const files = profileFiles(this.folder)
    const opener = { kind: 'osKeyStore', keyStore: this.keyStore } as const
    const vault = openVault(files.vault, await openSlots(files.slots, opener, this.#clock))
    const result = work(vault)
    vault.close()
    this.#running = this.#newEngine()
    await this.#running.start()
    return result
  }

  /** Looks into the vault as it is on the disk, whether the engine runs or not. */
  async peek<T>(look: (sql: Vault['sql']) => T): Promise<T> {
    const files = profileFiles(this.folder)
    const opener = { kind: 'osKeyStore', keyStore: this.keyStore } as const
    const vault = openVault(files.vault, await openSlots(files.slots, opener, this.#clock))
    try {
      return look(vault.sql)
    } finally {
      vault.close()
    }
  }

  /** The codes of what was quarantined or refused, oldest first. */
  async refused(): Promise<ErrorCode[]> {
    const rows = await this.peek(readJournalRows)
    return rows.flatMap(({ type, payload }) => {
      if (type !== 'envelope.quarantined' || payload === null) return []
      const { code } = JSON.parse(payload) as { readonly code: ErrorCode }
      return [code]
    })
  }

  async end(): Promise<void> {
    await this.engine.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async ask<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const result = await this.#call(name, input)
    if (result.ok) return result.value
    throw new CodedError(result.error.code, result.error.details)
  }

  async refusal<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<ErrorCode | null> {
    const result = await this.#call(name, input)
    return result.ok ? null : result.error.code
  }

  /** Every answer of every test has to be one that the contract declares. */
  async #call<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>> {
    const result: Result<CallOutput<N>> = await this.engine.call(name, input)
    if (!result.ok && !declares(name, result.error.code)) {
      throw new Error(`${name} answers ${result.error.code}, which the contract does not declare`)
    }
    return result
  }

  async snapshot(): Promise<Snapshot> {
    return await this.ask('state.snapshot', {})
  }

  async ready(): Promise<ReadyState> {
    const { state } = await this.snapshot()
    if (state.phase !== 'ready') throw new Error(`phase ${JSON.stringify(state)}`)
    return state
  }

  async enrol(invitation: string, deviceName = 'POSTE-1'): Promise<void> {
    await this.ask('enrolment.complete', { invitation, deviceName, protection: { kind: 'osKeyStore' } })
  }

  async accountId(): Promise<string> {
    return (await this.ready()).account.person.accountId
  }

  async openConversation(withWhom: Workstation): Promise<string> {
    await this.online()
    const { conversationId } = await this.ask('conversation.open', { accountId: await withWhom.accountId() })
    return conversationId
  }

  async send(conversationId: string, text: string): Promise<string> {
    const messageId = randomBytes(16).toString('hex')
    await this.ask('message.send', { conversationId, messageId, text })
    return messageId
  }

  /** The whole thread, oldest first, page by page. */
  async thread(conversationId: string): Promise<MessageView[]> {
    const all: MessageView[] = []
    let before: number | null = null
    for (;;) {
      const page: CallOutput<'conversation.messages'> = await this.ask('conversation.messages', {
        conversationId,
        before,
        limit: 100,
      })
      all.unshift(...page.messages)
      const [first] = page.messages
      if (!page.more || first === undefined) return all
      before = first.position
    }
  }

  async texts(conversationId: string): Promise<string[]> {
    if (!(await this.ready()).conversations.some((c) => c.conversationId === conversationId)) return []
    return (await this.thread(conversationId)).map((message) => message.text)
  }

  async online(): Promise<void> {
    await until(async () => (await this.ready()).connection.state === 'online')
  }
}

/** Beyond several rests of a connection on a slow machine, in ms. */
const patienceMs = 4 * 60_000

/** Waits until the condition holds; fails after `withinMs`. */
export async function until(condition: () => Promise<boolean>, withinMs = patienceMs): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
